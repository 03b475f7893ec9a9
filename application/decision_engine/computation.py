"""The pure part of a run: from a decision record to a plan."""

from collections.abc import Mapping
from typing import Any

from application.kernel.typed_values import typed
from application.ports.strategy_runner import Computation
from application.records.decision import DecisionRecord, decode_record
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.strategy import Strategy


def compute(record: DecisionRecord, strategy: Strategy[Any], planner: Planner[Any]) -> Computation:
    """Runs a strategy and a planner on a decision record; the result is always the same."""
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
    return Computation(
        actions=tuple(planned),
        indicators=solution.indicators,
        notes=solution.notes,
        rejections=tuple(context.alternatives.kept),
        rejection_count=context.alternatives.total,
    )


class DirectRunner:
    """Runs strategies in this process, without limits.

    Args:
        strategies, planners: those that records may name.
    """

    def __init__(
        self, strategies: Mapping[str, Strategy[Any]], planners: Mapping[str, Planner[Any]]
    ) -> None:
        self._strategies = strategies
        self._planners = planners

    def run(self, content: bytes) -> Computation:
        """Runs the strategy and the planner that an encoded decision record names."""
        record = decode_record(content)
        return compute(record, self._strategies[record.strategy], self._planners[record.planner])

    def close(self) -> None:
        """Does nothing: a computation in this process cannot be ended."""
