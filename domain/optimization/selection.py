"""Selection of the strategy for a goal."""

from collections.abc import Mapping
from typing import Any

from domain.kernel.errors import NotFound
from domain.optimization.strategy import COMPUTE_ONLY, Strategy


class NoStrategyForGoal(NotFound):
    """No registered strategy has the goal."""

    def __init__(self, goal: str) -> None:
        super().__init__("Strategy for goal", goal)
        self.goal = goal


def choose_strategy(
    strategies: Mapping[str, Strategy[Any]],
    goal: str,
    name: str | None = None,
    *,
    preferred: str = "",
) -> Strategy[Any]:
    """Selects the strategy to run.

    Args:
        strategies: the registered ones, by name.
        goal: name of the goal.
        name: the requested strategy, if any. Whether it serves the goal is checked when
            the audit is created, not here: an existing audit continues to work when a strategy's
            goal changes.
        preferred: the strategy that the goal names (``Goal.strategy``).

    Returns:
        The requested strategy; otherwise, of those with the goal, the preferred one, or the first
        by name that requires no parameters, or the first by name if all do. Strategies that need
        the compute model alone have precedence: not every cloud has other models.

    Raises:
        NotFound: no strategy has the name, or none has the goal (NoStrategyForGoal).
    """
    if name is not None:
        if name not in strategies:
            raise NotFound("Strategy", name)
        return strategies[name]
    serving = [strategies[key] for key in sorted(strategies) if strategies[key].goal == goal]
    if not serving:
        raise NoStrategyForGoal(goal)
    if preferred in strategies and strategies[preferred] in serving:
        return strategies[preferred]
    ready = [strategy for strategy in serving if not strategy.parameters_schema.get("required")]
    return min(ready or serving, key=_needs_more)


def _needs_more(strategy: Strategy[Any]) -> bool:
    return strategy.requirements(strategy.parameters()).models > COMPUTE_ONLY
