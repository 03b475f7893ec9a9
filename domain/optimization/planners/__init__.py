"""Planners: they order the actions of a solution."""

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
    """The weight planner; types that an option does not list keep their defaults."""
    return WeightPlanner(
        {**DEFAULT_WEIGHTS, **(weights or {})},
        {**DEFAULT_PARALLELIZATION, **(parallelization or {})},
    )


PLANNERS: Final[Mapping[str, PlannerFactory]] = {WeightPlanner.name: weight_planner}
"""Planner name → factory(weights, parallelization)."""

__all__ = ["PLANNERS", "PlannerFactory", "WeightPlanner", "weight_planner"]
