"""The event table on SQLite.

Positions are an explicit AUTOINCREMENT column called ``rowid``: unlike the implicit rowid of the
library's own table it is never given twice and survives VACUUM; the library's statements, which
select ``rowid``, work unchanged. SQLite admits one writer at a time, so positions are in commit
order, and a rolled back transaction leaves no hole.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from infrastructure.event_log.store import (
    ALL,
    SNAPSHOTS,
    TABLE,
    StoredSnapshot,
    Unreachable,
    VersionConflict,
)

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 30
"""Seconds to wait for the writer lock: a stopped process may hold it for a while."""
POLL = 0.015
"""Seconds between two looks for appends of other processes (about 5 µs each)."""


_CREATE = f"""
CREATE TABLE {TABLE} (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL
        CHECK (length(originator_id) = 32 AND originator_id NOT GLOB '*[^0-9a-f]*'),
    originator_version INTEGER NOT NULL CHECK (typeof(originator_version) = 'integer'),
    topic TEXT NOT NULL CHECK (typeof(topic) = 'text'),
    state BLOB NOT NULL CHECK (typeof(state) = 'blob'),
    UNIQUE (originator_id, originator_version)
)
"""


class SqliteRecorder(SQLiteApplicationRecorder):
    """The library's recorder on a table whose positions are never given twice."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, events_table_name=TABLE)
        self.insert_events_statement = (
            f"INSERT INTO {TABLE} (originator_id, originator_version, topic, state) "  # noqa: S608
            "VALUES (?, ?, ?, ?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        """The table, with checks that keep out what the library's reader would choke on."""
        return [_CREATE]


def datastore(path: Path, pool: int) -> SQLiteDatastore:
    """Connections to a file (write-ahead log, every commit synchronised to disk)."""
    return SQLiteDatastore(
        str(path),
        lock_timeout=LOCK_TIMEOUT,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=LOCK_TIMEOUT + 5,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Names the database's errors as a store does."""
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise VersionConflict(str(error)) from error
    except (
        OperationalError,
        InterfaceError,
        sqlite3.OperationalError,
        sqlite3.InterfaceError,
    ) as error:
        raise Unreachable(str(error)) from error


class SqliteAppendNotifier:
    """Hears this process's appends at once, those of others by ``PRAGMA data_version``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rung = threading.Condition()
        self._rings = 0
        self._version = 0
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    def look(self) -> object:
        """A token of the present."""
        with self._rung:
            return self._token()

    def ring(self) -> None:
        """Wakes this process's waiters."""
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, seen: object, timeout: float) -> None:
        """Blocks until it has rung since ``seen``, or some seconds have passed."""
        deadline = time.monotonic() + timeout
        with self._rung:
            while not self._closed and self._token() == seen:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._rung.wait(min(left, POLL))

    def close(self) -> None:
        """Wakes everybody and closes its connection."""
        with self._rung:
            self._closed = True
            self._rung.notify_all()
            self._drop()

    def _token(self) -> tuple[int, int]:
        if not self._closed:
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(
                        self._path, isolation_level=None, check_same_thread=False
                    )
                (self._version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as error:
                log.warning("event log %s: cannot watch it (%s); polling", self._path, error)
                self._drop()
        return self._rings, self._version

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteStore:
    """The event table in one file.

    Readers and writers have connections of their own: in the library's pool a writer that waits for
    another process's lock would hold up this process's readers.

    Args:
        path: the database file; its schema exists.
        pool: how many reading connections are kept.
        recorder: the recorder class (a seam for tests).
    """

    def __init__(
        self,
        path: Path,
        pool: int = 4,
        recorder: Callable[[SQLiteDatastore], SQLiteApplicationRecorder] = SqliteRecorder,
    ) -> None:
        self._readers = datastore(path, pool)
        self._writers = datastore(path, 1)
        self._reading = recorder(self._readers)
        self._writing = recorder(self._writers)
        self.bell = SqliteAppendNotifier(path)

    def insert(self, events: Sequence[StoredEvent]) -> int:
        """Stores events in one transaction; returns the position of the last.

        The transaction begins with a write, so a plain BEGIN takes the lock within the timeout: it
        has no snapshot that another writer could outdate.
        """
        with translated():
            positions = self._writing.insert_events(events)
        if not positions:
            raise Unreachable("the recorder returned no positions")
        return positions[-1]

    def tail(self, after: int, limit: int) -> Sequence[Notification]:
        """Rows behind a position, in commit order."""
        with translated():
            return self._reading.select_notifications(after, limit, inclusive_of_start=False)

    def stream(self, aggregate_id: UUID, after: int, upto: int = ALL) -> Sequence[Notification]:
        """Rows of one aggregate with after < version <= upto, in order."""
        rows = self._rows(
            f"SELECT rowid, originator_version, topic, state FROM {TABLE} "  # noqa: S608
            "WHERE originator_id = ? AND originator_version > ? AND originator_version <= ? "
            "ORDER BY originator_version",
            (aggregate_id.hex, after, upto),
        )
        return [
            Notification(
                id=row[0],
                originator_id=aggregate_id,
                originator_version=row[1],
                topic=row[2],
                state=row[3],
            )
            for row in rows
        ]

    def snapshot(self, aggregate_id: UUID) -> StoredSnapshot | None:
        """The snapshot of an aggregate."""
        rows = self._rows(
            f"SELECT version, topic, code, event, state FROM {SNAPSHOTS} "  # noqa: S608
            "WHERE aggregate_id = ?",
            (aggregate_id.hex,),
        )
        return StoredSnapshot(aggregate_id, *rows[0]) if rows else None

    def keep(self, snapshot: StoredSnapshot) -> None:
        """Stores a snapshot in place of one that is not newer, or that other code made."""
        with translated(), self._writers.transaction(commit=True) as cursor:
            cursor.execute(
                f"INSERT INTO {SNAPSHOTS} AS there "  # noqa: S608
                "(aggregate_id, version, topic, code, event, state) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (aggregate_id) DO UPDATE SET version = excluded.version, "
                "topic = excluded.topic, code = excluded.code, event = excluded.event, "
                "state = excluded.state "
                "WHERE there.version <= excluded.version OR there.code <> excluded.code",
                (snapshot.aggregate_id.hex, *snapshot[1:]),
            )

    def end(self) -> int:
        """The last position, 0 if there is none."""
        with translated():
            return self._reading.max_notification_id() or 0

    def topics(self) -> list[str]:
        """The distinct topics of all rows."""
        return [row[0] for row in self._rows(f"SELECT DISTINCT topic FROM {TABLE}", ())]  # noqa: S608

    def close(self) -> None:
        """Gives connections back."""
        self.bell.close()
        self._readers.close()
        self._writers.close()

    def _rows(self, statement: str, parameters: tuple[object, ...]) -> list[Any]:
        with translated(), self._readers.transaction(commit=False) as cursor:
            cursor.execute(statement, parameters)
            rows: list[Any] = cursor.fetchall()
            return rows
