"""The event log on a database (port: ``application.ports.event_log.EventLog``)."""

import logging
import time
from collections.abc import Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from application.ports.event_log import (
    ConcurrencyConflict,
    Entry,
    EventLogUnavailable,
    MalformedEntry,
    RecordedEvent,
    UnreadableEvent,
)
from domain.kernel.aggregate import Aggregate
from infrastructure.event_log.loader import AggregateLoader
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.retry import DatabaseRetryPolicy
from infrastructure.event_log.snapshots import SnapshotService
from infrastructure.event_log.store import ALL, EventStore, Unreachable, VersionConflict

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)

FLOOR = 1.0
"""Seconds after which a waiter looks by itself, whatever the bell does."""


class SqlEventLog:
    """Append-only, atomic per call, totally ordered. Any thread may call anything at any time.

    Args:
        store: the event table.
        mapper: events to and from rows.
        patience: how long a database that does not answer is asked again.
        snapshots: of aggregates that may have long streams; without it every event is folded.
    """

    def __init__(
        self,
        store: EventStore,
        mapper: Mapper,
        patience: DatabaseRetryPolicy,
        snapshots: SnapshotService | None = None,
    ) -> None:
        self._store = store
        self._mapper = mapper
        self._patience = patience
        self._folding = AggregateLoader(store, mapper, patience, snapshots)

    def find(self, kind: type[A], aggregate_id: UUID, version: int | None = None) -> A | None:
        """An aggregate folded from its events.

        Args:
            kind: its class.
            aggregate_id: its id.
            version: the last version to fold; None for all.

        Returns:
            None if it has no events, or if they are those of another kind of aggregate.

        Raises:
            UnreadableEvent: one of its events cannot be read or does not follow the others.
            EventLogUnavailable: the database cannot be reached.
        """
        return self._folding.find(kind, aggregate_id, version)

    def save(self, *aggregates: Aggregate) -> int:
        """Appends the pending events of aggregates in one transaction.

        Pending events are taken out of the aggregates first: after an error an aggregate is ahead
        of the log and must not be used again. Load it anew and decide anew.

        Returns:
            The position of the last event saved; the present end of the log if none was pending.

        Raises:
            ConcurrencyConflict: a version is taken; nothing was saved.
            Unstorable: an event could not be read back; nothing was saved.
            EventLogUnavailable: the database cannot be reached; whether it saved is unknown.
        """
        events = [event for aggregate in aggregates for event in aggregate.collect_events()]
        if not events:
            return self.end()
        rows = [self._mapper.to_stored(cast("Any", event)) for event in events]
        # Asking again is safe: what an unanswered attempt stored is recognised by its bytes.
        position = self._patience.ask("save", lambda: self._append(rows))
        self._store.bell.ring()
        return position

    def read(self, after: int, limit: int) -> list[Entry]:
        """What lies behind a position, in order; never skips what commits later."""
        rows = self._patience.ask("read", lambda: self._store.tail(after, limit))
        return [self._entry(row) for row in rows]

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """The events of one aggregate in order, behind a version and up to one (None: all)."""
        last = ALL if upto is None else upto
        rows = self._patience.ask("history", lambda: self._store.stream(aggregate_id, after, last))
        return [self._entry(row) for row in rows]

    def end(self) -> int:
        """The position of the last event, 0 if there is none."""
        return self._patience.ask("end", self._store.end)

    def wait(self, after: int, timeout: float) -> bool:
        """Blocks until something lies behind a position, or some seconds have passed.

        A database that cannot be reached meanwhile is waited for as well.
        """
        deadline = time.monotonic() + timeout
        while not self._patience.over:
            seen = self._store.bell.look()
            try:
                if self._patience.ask_once("wait", self._store.end) > after:
                    return True
            except Unreachable as error:
                log.warning("event log: cannot look for news (%s); waiting on", error)
            except EventLogUnavailable:
                break  # it was closed
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._store.bell.wait(seen, min(left, FLOOR))
        return False

    def topics(self) -> list[str]:
        """The distinct topics of everything stored."""
        return self._patience.ask("topics", self._store.topics)

    def unknown_topics(self) -> list[str]:
        """Stored topics that this code has no event class for."""
        return self._mapper.unknown(self.topics())

    def close(self) -> None:
        """Gives connections back when what is being asked is answered; waiters return."""
        self._patience.end()
        self._store.close()

    # -- reading ---------------------------------------------------------------------------------

    def _entry(self, row: Notification) -> Entry:
        try:
            return RecordedEvent(row.id, row.topic, self._mapper.to_event(row))
        except UnreadableEvent as error:
            return MalformedEntry(
                position=row.id,
                aggregate_id=cast("UUID", row.originator_id),
                version=row.originator_version,
                topic=row.topic,
                error=str(error),
                state=row.state,
            )

    # -- writing ---------------------------------------------------------------------------------

    def _append(self, rows: Sequence[StoredEvent]) -> int:
        try:
            return self._store.insert(rows)
        except VersionConflict as refusal:
            position = self._stored_already(rows, refusal)
            if position is None:
                wanted = ", ".join(f"{r.originator_id} v{r.originator_version}" for r in rows[:5])
                raise ConcurrencyConflict(
                    f"somebody else was first at one of {wanted}"
                ) from refusal
            log.info("event log: the events at position %d were there already", position)
            return position

    def _stored_already(self, rows: Sequence[StoredEvent], refusal: VersionConflict) -> int | None:
        """The last position of rows that are all stored to the byte; None if they are not."""
        found: dict[tuple[UUID | str, int], Notification] = {}
        for aggregate_id in {row.originator_id for row in rows}:
            versions = [r.originator_version for r in rows if r.originator_id == aggregate_id]
            for there in self._store.stream(
                cast("UUID", aggregate_id), min(versions) - 1, max(versions)
            ):
                found[there.originator_id, there.originator_version] = there
        if not found:
            raise Unreachable(f"the events were refused, but none of them is there: {refusal}")
        position = 0
        for row in rows:
            twin = found.get((row.originator_id, row.originator_version))
            if twin is None or (twin.topic, twin.state) != (row.topic, row.state):
                return None
            position = max(position, twin.id)
        return position


def verify_topics(event_log: SqlEventLog) -> list[str]:
    """Stored topics that the code cannot resolve: what a start-up check reports."""
    return event_log.unknown_topics()
