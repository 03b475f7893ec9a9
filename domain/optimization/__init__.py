"""Goals, strategies and planners: pure functions from inputs to a plan."""

from domain.optimization.goals import GOALS
from domain.optimization.planners import PLANNERS
from domain.optimization.strategies import STRATEGIES

__all__ = ["GOALS", "PLANNERS", "STRATEGIES"]
