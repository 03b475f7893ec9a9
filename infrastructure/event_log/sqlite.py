"""The event table on SQLite.

Positions are an explicit AUTOINCREMENT column called ``rowid``: unlike the implicit rowid of the
library's own table it is never reused and survives VACUUM; the library's statements, which select
``rowid``, work unchanged. SQLite admits one writer at a time, so positions are in commit order, and
a rolled back transaction leaves no hole.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteCursor, SQLiteDatastore

from infrastructure.bell import Bell, Listener
from infrastructure.event_log.store import (
    TABLE,
    AppendNotifier,
    Database,
    Dialect,
    EventStore,
    Execute,
    Row,
    Unreachable,
    VersionConflict,
)

log = logging.getLogger(__name__)

FLOOR_POLL = 0.5
"""Seconds between two polls of the file, besides the rings of the bell …"""
QUICK_POLL = 0.015
"""… and without them; a poll takes about 5 µs."""
LOCK_TIMEOUT = 30
"""Seconds to wait for the writer lock: a stopped process may hold it for a while."""
_TIME = "strftime('%Y-%m-%dT%H:%M:%f000+00:00', {})"
"""A time as Python's ``isoformat`` writes it, in UTC with microseconds: such texts sort."""
_AS_STORED = (
    "CASE WHEN typeof({column}) <> '{type}' "
    "THEN '?' || typeof({column}) || quote(CAST({column} AS BLOB)) "
    "WHEN '{type}' = 'text' THEN CAST({column} AS BLOB) ELSE {column} END"
)
"""SQLite stores values of any type, and texts of any bytes."""
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
    """The library's recorder, on a table whose positions are never reused."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, events_table_name=TABLE)
        self.insert_events_statement = (
            f"INSERT INTO {TABLE} (originator_id, originator_version, topic, state) "  # noqa: S608
            "VALUES (?, ?, ?, ?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        """The table, with checks that refuse rows which the library's reader cannot read."""
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


class SqliteDatabase(Database):
    """Connections to one file.

    Readers and writers have connections of their own: in the library's pool a writer that waits for
    another process's lock would block this process's readers.

    Args:
        path: the database file; its schema exists.
        pool: how many reading connections are kept.
    """

    dialect = Dialect(
        schema="main",
        position="rowid",
        now=_TIME.format("'now'"),
        ago=_TIME.format("'now', '-' || ? || ' seconds'"),
        age="(julianday('now') - julianday({})) * 86400.0",
        as_stored=_AS_STORED,
    )

    def __init__(self, path: Path, pool: int) -> None:
        self._path = path
        self._readers = datastore(path, pool)
        self.writers = datastore(path, 1)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns SQLite's errors into those of a store."""
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

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query."""
        with self.translated(), self._readers.transaction(commit=False) as cursor:
            cursor.execute(statement, parameters)
            return _rows(cursor)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction that writes."""
        with self.translated(), self.writers.transaction(commit=True) as cursor:

            def execute(statement: str, parameters: Sequence[object]) -> list[Row]:
                cursor.execute(statement, parameters)
                return _rows(cursor)

            yield execute

    def check_writable(self) -> None:
        """Raises ``Unreachable`` if the file cannot be written; does not wait for a writer."""
        address = f"file:{quote(self._path.as_posix())}?mode=rw"
        with (
            self.translated(),
            closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=0)) as own,
        ):
            try:
                own.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:  # another process writes now
                    raise
            else:
                own.execute("ROLLBACK")

    def close(self) -> None:
        """Closes all connections."""
        self._readers.close()
        self.writers.close()


def _rows(cursor: SQLiteCursor) -> list[Row]:
    rows: list[Row] = cursor.fetchall()
    return rows


class SqliteAppendNotifier(AppendNotifier):
    """Notices the appends of other processes by their ring of a bell.

    It also polls ``PRAGMA data_version``, which notices changes by any program; often, if no bell
    can be heard here. The listening thread starts with the first token.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._version = 0
        self._connection: sqlite3.Connection | None = None
        self._bell = Bell(path)
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self.poll = FLOOR_POLL

    def notify(self) -> None:
        """Wakes all waiters of this machine, after an append of this process."""
        super().notify()
        self._bell.ring()

    def close(self) -> None:
        """Wakes all waiters of this process; ends the thread and the connection."""
        super().close()
        with self._condition:
            listener, self._listener = self._listener, None
            self._disconnect()
        if listener is not None and self._thread is not None:
            listener.end()
            self._thread.join()
            listener.close()

    def _token(self) -> object:
        if not self._closed.is_set():
            self._listen()
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(
                        self._path, isolation_level=None, check_same_thread=False
                    )
                (self._version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as error:
                log.warning("event log %s: cannot watch it (%s); polling", self._path, error)
                self._disconnect()
        return self._notified, self._version

    def _listen(self) -> None:
        if self._thread is not None or self.poll != FLOOR_POLL:
            return
        try:
            self._listener = self._bell.listener()
        except OSError as error:
            log.info("event log %s: no bell here (%s); polling often", self._path, error)
            self.poll = QUICK_POLL
            return
        self._thread = threading.Thread(
            target=self._hear, args=(self._listener,), name="event-log-bell", daemon=True
        )
        self._thread.start()

    def _hear(self, listener: Listener) -> None:
        while not self._closed.is_set():
            listener.wait()
            self._wake()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteStore(EventStore):
    """The event table in one file.

    An insert begins its transaction with a write, so a plain BEGIN takes the lock within the
    timeout: it has no snapshot that another writer could outdate.

    Args:
        path: the database file; its schema exists.
        pool: how many reading connections are kept.
        recorder: the recorder class; tests pass their own.
    """

    def __init__(
        self,
        path: Path,
        pool: int = 4,
        recorder: Callable[[SQLiteDatastore], SQLiteApplicationRecorder] = SqliteRecorder,
    ) -> None:
        database = SqliteDatabase(path, pool)
        super().__init__(database, SqliteAppendNotifier(path), recorder(database.writers))
