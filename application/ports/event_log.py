"""The port of the event log, from which all other state is derived."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from domain.kernel.aggregate import Aggregate, Event

A = TypeVar("A", bound=Aggregate)


class RecordedEvent(NamedTuple):
    """A stored event: a tuple, because projections read millions.

    Attributes:
        position: its place in the whole log, in commit order. Positions may have holes.
        topic: its stable type name.
        event: has the aggregate's id and version, the time and the metadata.
    """

    position: int
    topic: str
    event: Event

    @property
    def aggregate_id(self) -> UUID:
        """The id of its aggregate."""
        return self.event.originator_id

    @property
    def version(self) -> int:
        """Its number, from 1, among the events of its aggregate."""
        return self.event.originator_version


@dataclass(frozen=True)
class MalformedEntry:
    """A stored entry that cannot be read as an event. Readers quarantine it and go on.

    Attributes:
        error: why it cannot be read.
        state: the stored bytes.
    """

    position: int
    aggregate_id: UUID
    version: int
    topic: str
    error: str
    state: bytes


Entry = RecordedEvent | MalformedEntry
Moment = int | datetime
"""A log position, or a time (aware)."""


class ConcurrencyConflict(Exception):
    """Another writer appended to one of the aggregates first. Nothing was saved."""


class EventLogUnavailable(Exception):
    """The log cannot be reached or timed out. It is unknown whether events were saved."""


class UnreadableEvent(Exception):
    """A stored entry is no event that this code knows. The message says which entry and why."""


class ReadOnlyLog(Protocol):
    """The reading half of the event log.

    All methods raise ``EventLogUnavailable`` if the database cannot be reached.
    """

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        """The entries after a position, in order. An entry that commits later is never skipped.

        Args:
            after: the position.
            limit: most entries.
            topics: only events of these; empty: of all.
        """
        ...

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """The entries of one aggregate in order, after a version and up to one (None: all)."""
        ...

    def end(self) -> int:
        """The position of the last event, 0 if there is none."""
        ...

    def version(self, aggregate_id: UUID, position: int | None = None) -> int:
        """The number of events of an aggregate up to a position (None: all)."""
        ...

    def aggregates(self, first: UUID, last: UUID, limit: int) -> list[UUID]:
        """The ids of aggregates between two ids (both included), in their order."""
        ...


class EventLog(ReadOnlyLog, Protocol):
    """Append-only, atomic per call, totally ordered."""

    def find(self, kind: type[A], aggregate_id: UUID, version: int | None = None) -> A | None:
        """An aggregate folded from its events (up to a version), None if it has none.

        Raises:
            UnreadableEvent: one of its events cannot be read or does not follow the others.
            EventLogUnavailable: the database cannot be reached.
        """
        ...

    def save(self, *aggregates: Aggregate) -> int:
        """Appends the pending events of aggregates in one transaction.

        Each event gets the version after the one at which its aggregate was loaded. Saving again
        what is stored already, byte by byte (a commit whose answer was lost), succeeds.

        Returns:
            The position of the last event saved; the end of the log if no event was pending.

        Raises:
            ConcurrencyConflict: a version is taken; nothing was saved.
            EventLogUnavailable: the database cannot be reached.
        """
        ...

    def check_writable(self) -> None:
        """Checks that events can be appended now.

        Raises:
            EventLogUnavailable: they cannot.
        """
        ...

    def wait(self, after: int, timeout: float) -> bool:
        """Blocks until there is an entry after a position, or for ``timeout`` seconds.

        Returns:
            Whether there is one.
        """
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...
