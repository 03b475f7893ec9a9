"""Which strategy serves a goal."""

from collections.abc import Mapping

from domain.kernel.errors import NotFound
from domain.optimization.strategy import Strategy


class NoStrategyForGoal(NotFound):
    """No registered strategy serves a goal."""

    def __init__(self, goal: str) -> None:
        super().__init__("Strategy for goal", goal)
        self.goal = goal


def choose_strategy(
    strategies: Mapping[str, Strategy], goal: str, name: str | None = None
) -> Strategy:
    """The strategy to run.

    Args:
        strategies: the registered ones, by name.
        goal: name of the goal.
        name: the strategy that was asked for, if any. Whether it serves the goal is checked when
            the audit is created, not here: an existing audit goes on working when a strategy's
            goal changes.

    Returns:
        The named one; otherwise, of those that serve the goal, the first in order of name that
        can run on its default parameters, or simply the first if none can.

    Raises:
        NotFound: no strategy has the name, or none serves the goal (NoStrategyForGoal).
    """
    if name is not None:
        if name not in strategies:
            raise NotFound("Strategy", name)
        return strategies[name]
    serving = [strategies[key] for key in sorted(strategies) if strategies[key].goal == goal]
    if not serving:
        raise NoStrategyForGoal(goal)
    ready = [strategy for strategy in serving if not strategy.parameters_schema.get("required")]
    return (ready or serving)[0]
