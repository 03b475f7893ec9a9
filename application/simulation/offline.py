"""Runs a strategy and its planner on a cluster file, without a cloud, services or log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from application.kernel.garbage import rare_garbage_collection
from application.kernel.plan_checks import plan_refused
from application.kernel.typed_values import typed
from application.ports.plugins import OptimizerOptions, Optimizers
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.cluster_file import ClusterFile, read_cluster
from domain.cluster.formats.portable import Values
from domain.cluster.kinds import ModelKind
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.scope.baremetal import parse_baremetal_scope
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.operator_rules import AmbiguousName, parse_rules, resolve_rules
from domain.cluster.scope.storage import parse_storage_scope
from domain.cluster.storage.model import StorageModel
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricNeed, MetricTable
from domain.optimization.context import ObservedMove, PlanContext, StrategyContext
from domain.optimization.efficacy import as_planned
from domain.optimization.goals import global_efficacy
from domain.optimization.scoring import ScoringEngine
from domain.optimization.selection import choose_strategy
from domain.optimization.solution import Rejection
from domain.optimization.strategy import COMPUTE_ONLY, Requirements, Strategy, notes_of
from domain.plans.action import EfficacyIndicator
from domain.plans.proposal import PlannedAction


@dataclass(frozen=True)
class OfflineResult:
    """The result of an offline run.

    Attributes:
        strategy: name of the strategy.
        planned: the actions in plan order, with dependencies and reasons.
        indicators: efficacy indicator → value.
        efficacy: the goal's global figures.
        rejections: the first rejected alternatives; rejection_count: number of all.
        notes: general remarks.
        quarantined: records of the file that could not be used.
        planner: name of the planner.
        model: the model of the file, within the scope.
        storage: likewise the storage model, if the strategy requires one.
        load: that the strategy declared (``Solution.load``).
        placement: the rules in force besides those of the cloud.
    """

    strategy: str
    planned: tuple[PlannedAction, ...]
    indicators: Mapping[str, float]
    efficacy: tuple[EfficacyIndicator, ...]
    rejections: tuple[Rejection, ...]
    rejection_count: int
    notes: tuple[Cause, ...]
    quarantined: tuple[QuarantinedRecord, ...]
    planner: str
    model: ComputeModel = field(compare=False)
    storage: StorageModel | None = field(compare=False)
    load: MeasuredLoad | None = field(compare=False)
    placement: PlacementPolicy

    def actions(self) -> list[dict[str, object]]:
        """The actions in plan order: ``{"action_type": …, "input_parameters": {…}}``."""
        return [
            {
                "action_type": planned.action.type,
                "input_parameters": {
                    **planned.action.parameters,
                    "resource_id": planned.action.resource_id,
                },
            }
            for planned in self.planned
        ]

    def reasons(self) -> list[str]:
        """The reason of each action in plan order, as a sentence."""
        return [str(planned.action.because) for planned in self.planned]


@rare_garbage_collection()
def solve_offline(  # noqa: PLR0913 - what a run may have
    optimizers: Optimizers,
    data: Mapping[str, object],
    strategy_name: str,
    parameters: Mapping[str, object] | None = None,
    seed: int = 0,
    *,
    scope: Sequence[object] = (),
    rules: object = None,
    moves: Sequence[ObservedMove] = (),
    options: OptimizerOptions | None = None,
) -> OfflineResult:
    """Runs a strategy and the planner that it names.

    Args:
        optimizers: the installed ones.
        data: a cluster, in our form or in the neutral one (domain.cluster.formats.cluster_file).
        strategy_name: a registered strategy.
        parameters: its parameters; the schema's defaults complete them.
        seed: random seed.
        scope: of the audit, also with operator rules; its compute rules count.
        rules: further operator rules, as in the file that ``[placement] rules_file`` names.
        moves: Vigil's own, in flight or recent.
        options: of strategies and planners; None for their defaults.

    Raises:
        NotFound: there is no such strategy, or a scoring engine that it needs is not installed.
        InvalidValue: the scope or a rule is invalid, or the data are in neither form, or do not
            hold what the strategy needs.
    """
    strategy = choose_strategy(optimizers.strategies, "", strategy_name)
    cluster = read_cluster(data)
    filled = {**_defaults(strategy), **(parameters or {})}
    parameters_given = typed(filled, strategy.parameters)
    required = strategy.requirements(parameters_given)
    storage = _storage(cluster, required, scope)
    options = options or optimizers.default_options()
    wanted = parse_scope(list(scope))
    written = wanted.rules if rules is None else wanted.rules | parse_rules("", rules)
    try:
        resolved = resolve_rules(written, cluster.model)
    except AmbiguousName as ambiguous:
        raise InvalidValue("rules", str(ambiguous)) from ambiguous
    model, _ = wanted.apply(cluster.model, resolved.rules)
    placement = PlacementPolicy().with_rules(resolved.rules)
    context = StrategyContext(
        parameters=parameters_given,
        options=options.strategies[strategy.name],
        compute=model,
        baremetal=_nodes_in(scope, cluster.baremetal),
        storage=storage,
        metrics=metric_table(model, cluster.metrics, required),
        engines=_engines(optimizers, required),
        seed=seed,
        placement=placement,
        moves=moves,
    )
    solution = strategy.solve(context)
    planner = optimizers.planners[strategy.planner]
    planned = planner.plan(
        solution,
        PlanContext(
            options=options.planners[planner.name],
            compute=model,
            baremetal=context.baremetal,
            storage=storage,
            placement=placement,
        ),
    )
    indicators = as_planned(solution.indicators, planned)
    return OfflineResult(
        strategy=strategy.name,
        planned=tuple(planned),
        indicators=indicators,
        efficacy=global_efficacy(optimizers.goals[strategy.goal], indicators),
        rejections=tuple(context.alternatives.kept),
        rejection_count=context.alternatives.total,
        notes=(*resolved.notes, *notes_of(strategy, context, solution)),
        quarantined=cluster.quarantined,
        planner=planner.name,
        model=model,
        storage=storage,
        load=solution.load,
        placement=placement,
    )


def _engines(optimizers: Optimizers, required: Requirements) -> dict[str, ScoringEngine]:
    for name in required.engines:
        if name not in optimizers.engines:
            raise NotFound("Scoring engine", name)
    return {name: optimizers.engines[name] for name in required.engines}


def _nodes_in(scope: Sequence[object], model: BaremetalModel | None) -> BaremetalModel | None:
    return None if model is None else parse_baremetal_scope(list(scope)).apply(model)[0]


def refused(optimizers: Optimizers, result: OfflineResult) -> Cause | None:
    """Why a run would not publish this plan. None if it would."""
    return plan_refused(
        result.planned,
        result.model,
        result.load,
        result.placement,
        made_by=(result.strategy, result.planner),
        action_types=optimizers.action_types,
        storage=result.storage,
    )


def metric_table(model: ComputeModel, values: Values, required: Requirements) -> MetricTable:
    """The metrics that a strategy requires, from values by name (or ``name@period``) and id."""
    needs = required.metrics
    return MetricTable.from_values(model, {need: _values_of(need, values) for need in needs})


def _values_of(need: MetricNeed, values: Values) -> Mapping[str, float | None]:
    found: Mapping[str, float | None] | None = values.get(f"{need.name}@{need.period:g}")
    return values.get(need.name, {}) if found is None else found


def _storage(
    cluster: ClusterFile, required: Requirements, scope: Sequence[object]
) -> StorageModel | None:
    """The storage model within the scope, if the strategy needs it.

    Raises:
        InvalidValue: the strategy needs a model that the file does not have.
    """
    there = {ModelKind.BAREMETAL: cluster.baremetal, ModelKind.STORAGE: cluster.storage}
    held = {kind for kind, model in there.items() if model is not None}
    for kind in sorted(required.models - COMPUTE_ONLY - held):
        raise InvalidValue("strategy", f"needs the {kind} model, which the cluster file has not")
    if cluster.storage is None or ModelKind.STORAGE not in required.models:
        return None
    model, _ = parse_storage_scope(list(scope)).apply(cluster.storage)
    return model


def _defaults(strategy: Strategy[Any]) -> dict[str, object]:
    properties = strategy.parameters_schema.get("properties", {})
    found = properties.items() if isinstance(properties, dict) else ()
    return {name: schema["default"] for name, schema in found if "default" in schema}
