"""Opens an event log for reading: the database itself refuses to write."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infrastructure.event_log import SqlEventLog, check, open_event_log
from infrastructure.event_log import event_types as vocabulary
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.postgres import PostgresDatabase
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.record_table import RecordTable
from infrastructure.event_log.records import SqlRecords
from infrastructure.event_log.seals import SqlSeals
from infrastructure.event_log.sqlite import SqliteDatabase
from infrastructure.event_log.store import (
    AppendNotifier,
    Database,
    EventStore,
    Execute,
    Row,
    Unreachable,
)
from infrastructure.event_log.url import sqlite_file
from infrastructure.postgresql import read_only
from infrastructure.wal import connected_to_read

RETRY_SECONDS = 5.0
"""For how long a query is tried again, and a lock of SQLite is waited for."""


def open_read_only(url: str) -> SqlEventLog:
    """The event log of a database, for reading. Snapshots are no evidence, so none is used.

    Args:
        url: as for ``open_event_log``.

    Raises:
        SchemaError: there is no log, or one of another version; or it cannot be reached.
    """
    check(url)
    path = sqlite_file(url)
    if path is None:
        return open_event_log(read_only(url), pool=1, retry_seconds=RETRY_SECONDS, snapshots=None)
    store = EventStore(ReadOnlySqliteDatabase(path), AppendNotifier())
    return SqlEventLog(store, Mapper(vocabulary.event_types), QueryRunner(RETRY_SECONDS))


def open_records_read_only(url: str) -> SqlRecords:
    """The records of a database, for reading. Arguments and errors as ``open_read_only``."""
    return SqlRecords(RecordTable(_database(url)), QueryRunner(RETRY_SECONDS))


def open_seals_read_only(url: str) -> SqlSeals:
    """The seals of a database, for reading. Arguments and errors as ``open_read_only``."""
    return SqlSeals(_database(url), QueryRunner(RETRY_SECONDS))


def _database(url: str) -> Database:
    check(url)
    path = sqlite_file(url)
    return PostgresDatabase(read_only(url), 1) if path is None else ReadOnlySqliteDatabase(path)


class ReadOnlySqliteDatabase(Database):
    """One connection to a file that is opened read-only."""

    dialect = SqliteDatabase.dialect

    def __init__(self, path: Path) -> None:
        self._connection = connected_to_read(path, RETRY_SECONDS)
        self._lock = threading.Lock()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns SQLite's errors into ``Unreachable``."""
        try:
            yield
        except sqlite3.Error as error:
            raise Unreachable(str(error)) from error

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query."""
        with self._lock, self.translated():
            return self._connection.execute(statement, tuple(parameters)).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Refused."""
        raise PermissionError("the log was opened for reading")
        yield

    def check_writable(self) -> None:
        """Always refused."""
        raise Unreachable("the log was opened for reading")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()
