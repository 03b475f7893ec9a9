"""What the log asks of a database."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

SNAPSHOTS = "snapshots"
"""The table of snapshots."""

TABLE = "stored_events"
"""The table of events; on PostgreSQL also the channel on which appends are announced."""

ALL = 2**63 - 1
"""A version beyond every version."""


class VersionConflict(Exception):
    """The database refused the events: as a rule because a version is taken. None was stored."""


class Unreachable(Exception):
    """The database did not answer in time or in good order. Whether it stored is unknown."""


class StoredSnapshot(NamedTuple):
    """What an aggregate remembered at a version.

    Attributes:
        topic: of its class.
        code: digest of the code that folded it.
        event: digest of the stored state of its last event.
        state: what it remembered, in the form that ``snapshots`` gives it.
    """

    aggregate_id: UUID
    version: int
    topic: str
    code: str
    event: str
    state: bytes


class AppendNotifier(Protocol):
    """Rings when the log may have grown. It may ring for nothing, and late (the log polls too)."""

    def look(self) -> object:
        """A token of the present; take it before reading, hand it to ``wait`` after."""
        ...

    def ring(self) -> None:
        """Wakes this process's waiters: it appended something itself."""
        ...

    def wait(self, seen: object, timeout: float) -> None:
        """Blocks until it has rung since a token was taken, or some seconds have passed."""
        ...

    def close(self) -> None:
        """Wakes everybody and gives its connection back."""
        ...


class EventStore(Protocol):
    """The event table of one database.

    Every method may raise ``Unreachable``, ``insert`` also ``VersionConflict``.
    """

    @property
    def bell(self) -> AppendNotifier:
        """Rings when the table may have grown."""
        ...

    def insert(self, events: Sequence[StoredEvent]) -> int:
        """Stores events in one transaction; returns the position of the last."""
        ...

    def tail(self, after: int, limit: int) -> Sequence[Notification]:
        """Rows behind a position, in commit order."""
        ...

    def stream(self, aggregate_id: UUID, after: int, upto: int = ALL) -> Sequence[Notification]:
        """Rows of one aggregate with after < version <= upto, in order."""
        ...

    def end(self) -> int:
        """The last position, 0 if there is none."""
        ...

    def topics(self) -> list[str]:
        """The distinct topics of all rows."""
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...


class SnapshotStore(EventStore, Protocol):
    """An event table with a table of snapshots beside it."""

    def snapshot(self, aggregate_id: UUID) -> StoredSnapshot | None:
        """The snapshot of an aggregate."""
        ...

    def keep(self, snapshot: StoredSnapshot) -> None:
        """Stores a snapshot in place of one that is not newer, or that other code made."""
        ...
