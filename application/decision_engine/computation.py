"""The pure part of a run: from a decision record to a plan that breaks no rule."""

from application.kernel.typed_values import typed
from application.ports.plugins import Optimizers
from application.ports.strategy_runner import Computation, ComputationFailed
from application.records.decision import DecisionRecord, decode_record
from domain.optimization.context import PlanContext
from domain.optimization.strategy import notes_of
from domain.plans.verification import refusal, unknown_action, verify_plan


def compute(record: DecisionRecord, optimizers: Optimizers) -> Computation:
    """Runs the strategy and the planner of a decision record; the result is always the same.

    Raises:
        ComputationFailed: the plan breaks a placement rule, or has an action of an unknown type.
    """
    strategy = optimizers.strategies[record.strategy]
    planner = optimizers.planners[record.planner]
    context = record.context(strategy)
    solution = strategy.solve(context)
    planned = planner.plan(
        solution,
        PlanContext(
            options=typed(record.planner_options, planner.options),
            compute=context.compute,
            storage=context.storage,
            baremetal=context.baremetal,
            placement=context.placement,
            cost=context.cost,
        ),
    )
    unknown = unknown_action(planned, strategy.name, planner.name, optimizers.action_types)
    if unknown is not None:
        raise ComputationFailed(unknown)
    violations = verify_plan(
        context.compute,
        planned,
        solution.load,
        context.placement,
        context.start,
        action_types=optimizers.action_types,
    )
    if violations:
        raise ComputationFailed(refusal(planned, violations, strategy.name, planner.name))
    return Computation(
        actions=tuple(planned),
        indicators=solution.indicators,
        notes=notes_of(strategy, context, solution),
        rejections=tuple(context.alternatives.kept),
        rejection_count=context.alternatives.total,
    )


class DirectRunner:
    """Runs strategies in this process, without limits.

    Args:
        optimizers: those that records may name.
    """

    def __init__(self, optimizers: Optimizers) -> None:
        self._optimizers = optimizers

    def run(self, content: bytes) -> Computation:
        """Runs the strategy and the planner that an encoded decision record names."""
        return compute(decode_record(content), self._optimizers)

    def close(self) -> None:
        """Does nothing: a computation in this process cannot be ended."""
