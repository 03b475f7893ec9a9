"""The pure part of a run: from a decision record to a plan that breaks no rule."""

from collections.abc import Sequence
from typing import Any

from application.kernel.garbage import rare_garbage_collection
from application.kernel.plan_checks import plan_refused
from application.kernel.typed_values import typed
from application.ports.plugins import Optimizers
from application.ports.strategy_runner import Computation, ComputationFailed
from application.records.decision import DecisionRecord, decode_record
from domain.audits.reasons import PARAMETERS_INVALID
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import METRIC_LABELS_FOREIGN, METRICS_INCOMPLETE
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.efficacy import as_planned
from domain.optimization.planner import PlanImpossible, Planner
from domain.optimization.scoring import SCORING_ENGINE_CHANGED, SCORING_ENGINE_MISSING
from domain.optimization.solution import Solution
from domain.optimization.strategy import notes_of
from domain.plans.proposal import PlannedAction
from domain.plans.targets import targets_of

_NOTED = (METRICS_INCOMPLETE, METRIC_LABELS_FOREIGN)
"""Problems of the inputs that the plan's notes name, too."""


def compute(record: DecisionRecord, optimizers: Optimizers) -> Computation:
    """Runs the strategy and the planner of a decision record; the result is always the same.

    Raises:
        ComputationFailed: a parameter names something that the models do not have, the actions can
            be executed in no order, the plan may not be published (see ``plan_refused``), or a
            scoring engine of the record is not installed, or is another one.
    """
    strategy = optimizers.every_strategy[record.strategy]
    planner = optimizers.every_planner[record.planner]
    _check_engines(record, optimizers)
    context = record.context(strategy, optimizers.engines)
    try:
        solution = strategy.solve(context)
    except InvalidValue as invalid:
        raise ComputationFailed(Cause(PARAMETERS_INVALID, {"error": str(invalid)})) from invalid
    planned = _planned(planner, record, context, solution)
    refused = plan_refused(
        planned,
        context.compute,
        solution.load,
        context.placement,
        context.start,
        made_by=(strategy.name, planner.name),
        action_types=optimizers.action_types,
        storage=context.storage,
    )
    if refused is not None:
        raise ComputationFailed(refused)
    return Computation(
        actions=tuple(planned),
        indicators=as_planned(solution.indicators, planned),
        notes=(*notes_of(strategy, context, solution), *_incomplete(record)),
        rejections=tuple(context.alternatives.kept),
        rejection_count=context.alternatives.total,
        targets=targets_of(planned, context.compute, context.storage, optimizers.action_types),
    )


def _planned(
    planner: Planner[Any],
    record: DecisionRecord,
    context: StrategyContext[Any],
    solution: Solution,
) -> Sequence[PlannedAction]:
    given = PlanContext(
        options=typed(record.planner_options, planner.options),
        compute=context.compute,
        storage=context.storage,
        baremetal=context.baremetal,
        placement=context.placement,
        start=context.start,
        cost=context.cost,
    )
    try:
        return planner.plan(solution, given)
    except PlanImpossible as impossible:
        raise ComputationFailed(impossible.because) from impossible


def _incomplete(record: DecisionRecord) -> list[Cause]:
    """The problems of metrics that the plan must show."""
    return [problem for problem in record.problems if problem.reason in _NOTED]


def _check_engines(record: DecisionRecord, optimizers: Optimizers) -> None:
    for recorded in record.engines:
        facts: JsonObject = {"strategy": record.strategy, "engine": recorded.name}
        installed = optimizers.engines.get(recorded.name)
        if installed is None:
            raise ComputationFailed(Cause(SCORING_ENGINE_MISSING, facts))
        if installed.identity != recorded:
            versions = {"recorded": recorded.version, "installed": installed.version}
            raise ComputationFailed(Cause(SCORING_ENGINE_CHANGED, {**facts, **versions}))


class DirectRunner:
    """Runs strategies in this process, without limits.

    Args:
        optimizers: those that records may name.
    """

    def __init__(self, optimizers: Optimizers) -> None:
        self._optimizers = optimizers

    def run(self, content: bytes) -> Computation:
        """Runs the strategy and the planner that an encoded decision record names."""
        with rare_garbage_collection():
            return compute(decode_record(content), self._optimizers)

    def close(self) -> None:
        """Does nothing: a computation in this process cannot be ended."""
