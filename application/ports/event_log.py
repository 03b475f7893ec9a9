"""The port of the event log: the truth."""

from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from domain.kernel.aggregate import Aggregate, Event

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True)
class RecordedEvent:
    """An event as it lies in the log.

    Attributes:
        position: its place in the whole log, in commit order. Positions may have holes.
        topic: its stable type name.
        event: aggregate id and version, time and metadata are its attributes.
    """

    position: int
    topic: str
    event: Event

    @property
    def aggregate_id(self) -> UUID:
        """The aggregate that it happened to."""
        return self.event.originator_id

    @property
    def version(self) -> int:
        """Its place (from 1) among the events of its aggregate."""
        return self.event.originator_version


@dataclass(frozen=True)
class MalformedEntry:
    """Something in the log that cannot be read as an event; readers quarantine it and go on.

    Attributes:
        error: what is wrong with it.
        state: the stored bytes.
    """

    position: int
    aggregate_id: UUID
    version: int
    topic: str
    error: str
    state: bytes


Entry = RecordedEvent | MalformedEntry


class ConcurrencyConflict(Exception):
    """Somebody else appended to one of the aggregates first. Nothing was saved."""


class EventLogUnavailable(Exception):
    """The log cannot be reached or is busy beyond patience. Whether it saved is unknown."""


class UnreadableEvent(Exception):
    """Something stored is not an event that this code knows. Says which and why."""


class EventLog(Protocol):
    """Append-only, atomic per call, totally ordered."""

    def find(self, kind: type[A], aggregate_id: UUID, version: int | None = None) -> A | None:
        """An aggregate folded from its events (up to a version), None if it has none.

        Raises:
            UnreadableEvent: one of its events cannot be read or does not follow the others.
            EventLogUnavailable: the database cannot be reached.
        """
        ...

    def save(self, *aggregates: Aggregate) -> int:
        """Appends the pending events of aggregates in one transaction; returns the last position.

        Every event goes in at the version after the one its aggregate was loaded at. Saving again
        what is already there to the byte (a commit whose answer was lost) counts as done.

        Returns:
            The position of the last event saved; the present end of the log if none was pending.

        Raises:
            ConcurrencyConflict: a version is taken; nothing was saved.
            EventLogUnavailable: the database cannot be reached.
        """
        ...

    def read(self, after: int, limit: int) -> list[Entry]:
        """What lies behind a position, in order; never skips what commits later."""
        ...

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """The events of one aggregate in order, behind a version and up to one (None: all)."""
        ...

    def end(self) -> int:
        """The position of the last event, 0 if there is none."""
        ...

    def wait(self, after: int, timeout: float) -> bool:
        """Blocks until something lies behind a position, or some seconds have passed.

        Returns:
            Whether something lies behind it.
        """
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...
