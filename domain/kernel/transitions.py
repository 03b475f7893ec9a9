from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from domain.kernel.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)


class Transitions(Generic[S]):
    """A state machine: state → the states that may follow.

    Args:
        kind: name of the aggregate, for error messages.
        arrows: for each state the states that may follow; a state that is not named is final.
    """

    def __init__(self, kind: str, arrows: Mapping[S, Iterable[S]]) -> None:
        self.kind = kind
        self._arrows = {old: frozenset(new) for old, new in arrows.items()}

    def allows(self, old: S, new: S) -> bool:
        """Whether the transition exists."""
        return new in self._arrows.get(old, frozenset())

    def check(self, old: S, new: S) -> None:
        """Raises IllegalTransition if the transition does not exist."""
        if not self.allows(old, new):
            raise IllegalTransition(self.kind, old, new)

    def final(self, state: S) -> bool:
        """Whether no state can follow."""
        return not self._arrows.get(state)
