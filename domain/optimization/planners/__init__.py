"""Planners put the actions of a solution in order."""

from collections.abc import Callable, Mapping
from typing import Final

from domain.optimization.planners.weight import (
    DEFAULT_PARALLELIZATION,
    DEFAULT_WEIGHTS,
    WeightPlanner,
)
from domain.optimization.solution import Planner

PlannerFactory = Callable[[Mapping[str, object] | None, Mapping[str, object] | None], Planner]


def weight_planner(
    weights: Mapping[str, object] | None = None,
    parallelization: Mapping[str, object] | None = None,
) -> WeightPlanner:
    """The weight planner; what an option leaves out keeps its default."""
    return WeightPlanner(
        {**DEFAULT_WEIGHTS, **(weights or {})},
        {**DEFAULT_PARALLELIZATION, **(parallelization or {})},
    )


PLANNERS: Final[Mapping[str, PlannerFactory]] = {WeightPlanner.name: weight_planner}
"""Planner name → factory(weights, parallelization)."""

__all__ = ["PLANNERS", "PlannerFactory", "WeightPlanner", "weight_planner"]
