from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class EventCount:
    """A counter and the time of its last increment.

    Attributes:
        what: what is counted (``notification``).
        of: its type (an event type).
        outcome: the result.
    """

    what: str
    of: str
    outcome: str
    count: int
    last: datetime


class CounterBoard(Protocol):
    """The counters of processes that have no HTTP port, for ``/metrics`` of the API.

    Rows, not events: a killed process loses what it has not added yet, and an addition whose answer
    was lost may count twice.
    """

    def add(self, counted: Sequence[EventCount]) -> None:
        """Adds to the counters of all processes."""
        ...

    def rows(self) -> list[EventCount]:
        """All counters."""
        ...
