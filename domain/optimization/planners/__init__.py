"""The planners that ship with Vigil, one per file."""

from typing import Any, Final

from domain.optimization.planner import Planner
from domain.optimization.planners.weight import WeightOptions, WeightPlanner

PLANNERS: Final[dict[str, Planner[Any]]] = {WeightPlanner.name: WeightPlanner()}
"""Planner name → planner."""

__all__ = ["PLANNERS", "WeightOptions", "WeightPlanner"]
