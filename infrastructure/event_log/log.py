"""The event log on a database (port: ``application.ports.event_log.EventLog``)."""

import logging
import time
from collections.abc import Collection, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import StoredEvent

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
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.snapshots import SnapshotService
from infrastructure.event_log.store import ALL, EventRow, EventStore, Unreachable, VersionConflict

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)

FLOOR = 1.0
"""Seconds after which a waiter polls, even if no notifier wakes it."""


class SqlEventLog:
    """Append-only, atomic per call, totally ordered. Any thread may call anything at any time.

    Args:
        store: the event table.
        mapper: events to and from rows.
        queries: runs the queries, and retries them.
        snapshots: of aggregates that may have long streams; without it every event is folded.
    """

    def __init__(
        self,
        store: EventStore,
        mapper: Mapper,
        queries: QueryRunner,
        snapshots: SnapshotService | None = None,
    ) -> None:
        self._store = store
        self._mapper = mapper
        self._queries = queries
        self._loader = AggregateLoader(store, mapper, queries, snapshots)

    def find(self, kind: type[A], aggregate_id: UUID, version: int | None = None) -> A | None:
        """An aggregate folded from its events.

        Args:
            kind: its class.
            aggregate_id: its id.
            version: the last version to fold; None for all.

        Returns:
            None if it has no events, or if they belong to another class of aggregate.

        Raises:
            UnreadableEvent: one of its events cannot be read or does not follow the others.
            EventLogUnavailable: the database cannot be reached.
        """
        return self._loader.find(kind, aggregate_id, version)

    def save(self, *aggregates: Aggregate) -> int:
        """Appends the pending events of aggregates in one transaction.

        Pending events are removed from the aggregates first: after an error an aggregate is ahead
        of the log and must not be used again. Load it and decide again.

        Returns:
            The position of the last event saved; the end of the log if none was pending.

        Raises:
            ConcurrencyConflict: a version is taken; nothing was saved.
            Unstorable: an event cannot be decoded from its stored form; nothing was saved.
            EventLogUnavailable: the database cannot be reached; whether it saved is unknown.
        """
        events = [event for aggregate in aggregates for event in aggregate.collect_events()]
        if not events:
            return self.end()
        rows = [self._mapper.to_stored(cast("Any", event)) for event in events]
        # A retry is safe: the bytes show whether an unanswered attempt stored the events.
        position = self._queries.run("save", lambda: self._append(rows))
        self._store.notifier.notify()
        return position

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        """The entries after a position, in order; skips none that commits later."""
        rows = self._queries.run("read", lambda: self._store.read(after, limit, topics))
        return [self._entry(row) for row in rows]

    def history(self, aggregate_id: UUID, after: int = 0, upto: int | None = None) -> list[Entry]:
        """The events of one aggregate in order, after a version and up to one (None: all)."""
        last = ALL if upto is None else upto
        rows = self._queries.run("history", lambda: self._store.stream(aggregate_id, after, last))
        return [self._entry(row) for row in rows]

    def end(self) -> int:
        """The position of the last event, 0 if there is none."""
        return self._queries.run("end", self._store.end)

    def version(self, aggregate_id: UUID, position: int | None = None) -> int:
        """The number of events of an aggregate up to a position (None: all)."""
        upto = ALL if position is None else position
        return self._queries.run("version", lambda: self._store.version(aggregate_id, upto))

    def aggregates(self, first: UUID, last: UUID, limit: int) -> list[UUID]:
        """The ids of aggregates between two ids (both included), in their order."""
        return self._queries.run("aggregates", lambda: self._store.aggregates(first, last, limit))

    def wait(self, after: int, timeout: float) -> bool:
        """Blocks until there is an entry after a position, or some seconds have passed.

        It also waits while the database cannot be reached.
        """
        deadline = time.monotonic() + timeout
        while not self._queries.is_closed:
            token = self._store.notifier.token()
            try:
                if self._queries.run_once("wait", self._store.end) > after:
                    return True
            except Unreachable as error:
                log.warning("event log: cannot be polled (%s); waiting", error)
            except EventLogUnavailable:
                break  # it was closed
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._store.notifier.wait(token, min(left, FLOOR))
        return False

    def check_writable(self) -> None:
        """Checks, without trying again, that the database can store events now.

        Raises:
            EventLogUnavailable: it cannot.
        """
        try:
            self._queries.run_once("check", self._store.check_writable)
        except Unreachable as error:
            raise EventLogUnavailable(f"the event database cannot be written: {error}") from error

    def topics(self) -> list[str]:
        """The distinct topics of everything stored."""
        return self._queries.run("topics", self._store.topics)

    def unknown_topics(self) -> list[str]:
        """Stored topics that this code has no event class for."""
        return self._mapper.unknown(self.topics())

    def close(self) -> None:
        """Closes all connections when the running queries have ended; waiters return."""
        self._queries.close()
        self._store.close()

    # -- reading ---------------------------------------------------------------------------------

    def _entry(self, row: EventRow) -> Entry:
        try:
            return RecordedEvent(row.id, row.topic, self._mapper.to_event(row))
        except UnreadableEvent as error:
            return MalformedEntry(
                position=row.id,
                aggregate_id=row.originator_id,
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
                    f"another writer was first at one of {wanted}"
                ) from refusal
            log.info("event log: the events at position %d were stored already", position)
            return position

    def _stored_already(self, rows: Sequence[StoredEvent], refusal: VersionConflict) -> int | None:
        """The last position of rows that are all stored, byte by byte; None if they are not."""
        found: dict[tuple[UUID | str, int], EventRow] = {}
        for aggregate_id in {row.originator_id for row in rows}:
            versions = [r.originator_version for r in rows if r.originator_id == aggregate_id]
            for stored in self._store.stream(
                cast("UUID", aggregate_id), min(versions) - 1, max(versions)
            ):
                found[stored.originator_id, stored.originator_version] = stored
        if not found:
            raise Unreachable(f"the events were refused, but none of them is stored: {refusal}")
        position = 0
        for row in rows:
            same = found.get((row.originator_id, row.originator_version))
            if same is None or (same.topic, same.state) != (row.topic, row.state):
                return None
            position = max(position, same.id)
        return position
