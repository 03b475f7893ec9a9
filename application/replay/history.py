"""What replay needs of the event log: reading, and nothing else."""

from typing import Protocol
from uuid import UUID

from application.ports.event_log import Entry


class ReadOnlyLog(Protocol):
    """The reading half of the event log. Whatever replay does, it cannot append."""

    def read(self, after: int, limit: int) -> list[Entry]:
        """What lies behind a position, in order."""
        ...

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """The events of one aggregate in order, behind a version and up to one (None: all)."""
        ...

    def end(self) -> int:
        """The position of the last event, 0 if there is none."""
        ...
