from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from domain.kernel.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)


class Transitions(Generic[S]):
    """A state machine that can be read at a glance: state → the states it may go to.

    Args:
        kind: the aggregate's name, for refusals.
        arrows: for each state the states that may follow; a state that is not named is final.
    """

    def __init__(self, kind: str, arrows: Mapping[S, Iterable[S]]) -> None:
        self.kind = kind
        self._arrows = {old: frozenset(new) for old, new in arrows.items()}

    def allows(self, old: S, new: S) -> bool:
        """Whether there is an arrow."""
        return new in self._arrows.get(old, frozenset())

    def check(self, old: S, new: S) -> None:
        """Raises IllegalTransition if there is no arrow."""
        if not self.allows(old, new):
            raise IllegalTransition(self.kind, old, new)

    def final(self, state: S) -> bool:
        """Whether nothing can follow a state."""
        return not self._arrows.get(state)
