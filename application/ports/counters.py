from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class EventCount:
    """How often something came to something, and when it last did.

    Attributes:
        what: is counted (``notification``).
        of: which of them (an event type).
        outcome: what it came to.
    """

    what: str
    of: str
    outcome: str
    count: int
    last: datetime


class CounterBoard(Protocol):
    """Where processes without a port of their own count, for ``/metrics`` to tell.

    Rows, not events: a process that is killed takes what it has not yet added with it, and an
    addition whose answer was lost may count twice.
    """

    def add(self, counted: Sequence[EventCount]) -> None:
        """Adds to what was counted before, by whomever."""
        ...

    def rows(self) -> list[EventCount]:
        """All sums."""
        ...
