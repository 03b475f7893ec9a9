"""The pure part of a run: from a decision record to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.kernel.typed_values import typed
from application.records.decision import DecisionRecord
from domain.kernel.reasons import Cause
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.solution import Rejection
from domain.optimization.strategy import Strategy
from domain.plans.proposal import PlannedAction


@dataclass(frozen=True)
class Computation:
    """The result of a strategy and its planner.

    Attributes:
        actions: in plan order, parents before children.
        indicators: efficacy indicator name → value.
        notes: remarks on the result.
        rejections: the first alternatives that were considered and rejected.
        rejection_count: number of all of them.
    """

    actions: tuple[PlannedAction, ...]
    indicators: Mapping[str, float]
    notes: tuple[Cause, ...]
    rejections: tuple[Rejection, ...]
    rejection_count: int


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
