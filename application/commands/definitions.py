"""How commands look up goals and strategies: by uuid, name (without case) or numeric id."""

from typing import Protocol

from application.ports.read_models import GoalView, StrategyView


class DefinitionLookup(Protocol):
    """The part of the read models that commands ask: what is registered."""

    def goal(self, ident: str) -> GoalView | None:
        """A live goal, None if there is none."""
        ...

    def strategy(self, ident: str) -> StrategyView | None:
        """A live strategy, None if there is none."""
        ...
