"""The tables of events and snapshots, in SQL that both databases understand."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, StoredEvent

SNAPSHOTS = "snapshots"
"""The table of snapshots."""
TABLE = "stored_events"
"""The table of events; on PostgreSQL also the channel on which appends are announced."""
ALL = 2**63 - 1
"""A version beyond every version."""


class VersionConflict(Exception):
    """The database refused the events: as a rule because a version is taken. None was stored."""


class Unreachable(Exception):
    """The database did not answer in time or without error. Whether it stored is unknown."""


class EventRow(NamedTuple):
    """A stored event as it is read. ``id``: its position."""

    id: int
    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes


class StoredSnapshot(NamedTuple):
    """The attributes of an aggregate at a version.

    Attributes:
        topic: of its class.
        code: digest of the code that folded it.
        event: digest of the stored state of its last event.
        state: the attributes, as ``SnapshotCodec`` encodes them.
    """

    aggregate_id: UUID
    version: int
    topic: str
    code: str
    event: str
    state: bytes


class AppendNotifier:
    """Wakes waiters when the log may have grown: here, after appends of this process.

    It may wake them without cause, and late: the log also polls. A subclass also notices the
    appends of other processes.
    """

    poll = inf
    """Seconds between two calls of ``_token`` while a thread waits."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._closed = threading.Event()
        self._notified = 0

    def token(self) -> object:
        """The present state: take it before reading, hand it to ``wait`` afterwards."""
        with self._condition:
            return self._token()

    def notify(self) -> None:
        """Wakes all waiters, after an append of this process."""
        self._wake()

    def _wake(self) -> None:
        """Wakes all waiters of this process."""
        with self._condition:
            self._notified += 1
            self._condition.notify_all()

    def wait(self, token: object, timeout: float) -> None:
        """Blocks until something changed since a token was taken, or some seconds have passed."""
        deadline = time.monotonic() + timeout
        with self._condition:
            while not self._closed.is_set() and self._token() == token:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._condition.wait(min(left, self.poll))

    def close(self) -> None:
        """Wakes all waiters and closes the connection, if there is one."""
        self._closed.set()
        self._wake()

    def _token(self) -> object:
        return self._notified


@dataclass(frozen=True)
class Dialect:
    """The parts of a statement in which the two databases differ.

    Attributes:
        schema: holds the tables.
        position: the column of an event's position.
        now: the time, as the tables store it.
        ago: the time so many seconds ago; has one parameter.
        age: the seconds since the time in a column, for ``str.format``.
        as_stored: a column that may be damaged, for ``str.format`` with ``column`` and its
            ``type``. A text may be returned as bytes; a value of another type as a text that
            begins with ``?``.
        lock_rows: appended to a SELECT: locks its rows, in their order, against deadlocks.
    """

    schema: str
    position: str
    now: str
    ago: str
    age: str
    as_stored: str
    lock_rows: str = ""


Row = tuple[Any, ...]
Execute = Callable[[str, Sequence[object]], list[Row]]
"""Runs a statement with its parameters; returns the rows, if it returns some."""


class Database(ABC):
    """Connections to one database. ``?`` stands for a parameter in every statement.

    Every method raises ``Unreachable`` when the database does not answer, and ``VersionConflict``
    when it refuses rows.
    """

    dialect: Dialect

    @abstractmethod
    def translated(self) -> AbstractContextManager[None]:
        """Turns the errors of the database into ``VersionConflict`` and ``Unreachable``."""

    @abstractmethod
    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Execute]:
        """A transaction that writes; it is committed at the end of the block."""

    @abstractmethod
    def check_writable(self) -> None:
        """Raises ``Unreachable`` if the database refuses to write, or does not answer."""

    @abstractmethod
    def close(self) -> None:
        """Closes all connections."""

    def execute(self, statement: str, parameters: Sequence[object]) -> list[Row]:
        """Runs one statement in a transaction of its own; returns its rows, if it has some."""
        with self.transaction() as execute:
            return execute(statement, parameters)


class EventStore:
    """The tables of events and snapshots in one database.

    Every method may raise ``Unreachable``, ``insert`` and ``save_snapshot`` also
    ``VersionConflict``.

    Args:
        database: holds the tables.
        notifier: wakes waiters when the table may have grown.
        recorder: the library's; it inserts events. None: the store is for reading only.
    """

    def __init__(
        self,
        database: Database,
        notifier: AppendNotifier,
        recorder: ApplicationRecorder | None = None,
    ) -> None:
        self.notifier = notifier
        self._database = database
        self._recorder = recorder
        dialect = database.dialect
        self._position = dialect.position
        self._events = f"{dialect.schema}.{TABLE}"
        self._snapshots = f"{dialect.schema}.{SNAPSHOTS}"

    def insert(self, events: Sequence[StoredEvent]) -> int:
        """Stores events in one transaction; returns the position of the last."""
        if self._recorder is None:
            raise PermissionError(f"the log was opened for reading: {len(events)} events refused")
        with self._database.translated():
            positions = self._recorder.insert_events(events)
        if not positions:
            raise Unreachable("the recorder returned no positions")
        return positions[-1]

    def read(self, after: int, limit: int, topics: Collection[str] = ()) -> list[EventRow]:
        """Rows after a position (of some topics), in commit order."""
        chosen = f"AND topic IN ({', '.join('?' * len(topics))}) " if topics else ""
        return self._select(
            f"{{position}} > ? {chosen}ORDER BY {{position}} LIMIT ?", (after, *topics, limit)
        )

    def stream(self, aggregate_id: UUID, after: int, upto: int = ALL) -> list[EventRow]:
        """Rows of one aggregate with after < version <= upto, in order."""
        return self._select(
            "originator_id = ? AND originator_version > ? AND originator_version <= ? "
            "ORDER BY originator_version",
            (aggregate_id.hex, after, upto),
        )

    def end(self) -> int:
        """The last position, 0 if there is none."""
        query = f"SELECT coalesce(max({self._position}), 0) FROM {self._events}"  # noqa: S608
        return int(self._database.select(query)[0][0])

    def version(self, aggregate_id: UUID, position: int) -> int:
        """The last version of an aggregate up to a position, 0 if there is none."""
        query = (
            f"SELECT coalesce(max(originator_version), 0) FROM {self._events} "  # noqa: S608
            f"WHERE originator_id = ? AND {self._position} <= ?"
        )
        return int(self._database.select(query, (aggregate_id.hex, position))[0][0])

    def aggregates(self, first: UUID, last: UUID, limit: int) -> list[UUID]:
        """The ids of aggregates between two ids (both included), by their index."""
        rows = self._database.select(
            f"SELECT originator_id FROM {self._events} WHERE originator_version = 1 "  # noqa: S608
            "AND originator_id BETWEEN ? AND ? ORDER BY originator_id LIMIT ?",
            (first.hex, last.hex, limit),
        )
        return [one if isinstance(one, UUID) else UUID(one) for (one,) in rows]

    def topics(self) -> list[str]:
        """The distinct topics of all rows."""
        query = f"SELECT DISTINCT topic FROM {self._events}"  # noqa: S608
        return [row[0] for row in self._database.select(query)]

    def snapshot(self, aggregate_id: UUID) -> StoredSnapshot | None:
        """The snapshot of an aggregate."""
        rows = self._database.select(
            f"SELECT version, topic, code, event, state FROM {self._snapshots} "  # noqa: S608
            "WHERE aggregate_id = ?",
            (aggregate_id.hex,),
        )
        for version, topic, code, event, state in rows:
            return StoredSnapshot(aggregate_id, version, topic, code, event, bytes(state))
        return None

    def save_snapshot(self, snapshot: StoredSnapshot) -> None:
        """Stores a snapshot. It replaces one that is not newer, or that other code made."""
        self._database.execute(
            f"INSERT INTO {self._snapshots} AS there "  # noqa: S608
            "(aggregate_id, version, topic, code, event, state) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (aggregate_id) DO UPDATE SET version = excluded.version, "
            "topic = excluded.topic, code = excluded.code, event = excluded.event, "
            "state = excluded.state "
            "WHERE there.version <= excluded.version OR there.code <> excluded.code",
            (snapshot.aggregate_id.hex, *snapshot[1:]),
        )

    def check_writable(self) -> None:
        """Checks that events can be stored now."""
        self._database.check_writable()

    def close(self) -> None:
        """Closes all connections."""
        self.notifier.close()
        self._database.close()

    def _select(self, condition: str, parameters: Sequence[object]) -> list[EventRow]:
        rows = self._database.select(
            f"SELECT {self._position}, originator_id, originator_version, topic, state "  # noqa: S608
            f"FROM {self._events} WHERE {condition.format(position=self._position)}",
            parameters,
        )
        originators = {row[1] for row in rows}  # a page has few aggregates; UUID() is slow
        ids = {one: one if isinstance(one, UUID) else UUID(one) for one in originators}
        return [
            EventRow(position, ids[originator], version, topic, bytes(state))
            for position, originator, version, topic, state in rows
        ]
