"""An event log opened for reading only: the database itself refuses to write."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from infrastructure.event_log import SqlEventLog, check, open_event_log
from infrastructure.event_log import event_types as vocabulary
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.retry import DatabaseRetryPolicy
from infrastructure.event_log.store import ALL, TABLE, Unreachable
from infrastructure.event_log.url import sqlite_file

PATIENCE = 5.0
"""Seconds for which a database that does not answer is asked again."""
_COLUMNS = f"SELECT rowid, originator_id, originator_version, topic, state FROM {TABLE}"  # noqa: S608


def open_read_only(url: str) -> SqlEventLog:
    """The event log of a database, for reading. Snapshots are no evidence, so none is used.

    Args:
        url: as ``open_event_log`` takes it.

    Raises:
        SchemaError: there is no log, or one of another version; or it cannot be reached.
    """
    check(url)
    path = sqlite_file(url)
    if path is None:
        return open_event_log(_read_only(url), pool=1, patience=PATIENCE, snapshots=None)
    store = ReadOnlyStore(path)
    return SqlEventLog(store, Mapper(vocabulary.event_types), DatabaseRetryPolicy(PATIENCE))


def _read_only(url: str) -> str:
    """A PostgreSQL URL whose sessions refuse to write."""
    option = quote("-c default_transaction_read_only=on")
    return f"{url}{'&' if '?' in url else '?'}options={option}"


class ReadOnlyStore:
    """The event table of an SQLite file that is opened read-only."""

    def __init__(self, path: Path) -> None:
        self._connection = _connected(path)
        self._lock = threading.Lock()
        self.bell = _Silent()

    def insert(self, events: Sequence[StoredEvent]) -> int:
        """Refused."""
        raise PermissionError(f"the log was opened for reading: {len(events)} events refused")

    def tail(self, after: int, limit: int) -> Sequence[Notification]:
        """Rows behind a position, in commit order."""
        return self._rows(f"{_COLUMNS} WHERE rowid > ? ORDER BY rowid LIMIT ?", (after, limit))

    def stream(self, aggregate_id: UUID, after: int, upto: int = ALL) -> Sequence[Notification]:
        """Rows of one aggregate with after < version <= upto, in order."""
        return self._rows(
            f"{_COLUMNS} WHERE originator_id = ? AND originator_version > ? "
            "AND originator_version <= ? ORDER BY originator_version",
            (aggregate_id.hex, after, upto),
        )

    def end(self) -> int:
        """The last position, 0 if there is none."""
        return int(self._select(f"SELECT coalesce(max(rowid), 0) FROM {TABLE}", ())[0][0])  # noqa: S608

    def topics(self) -> list[str]:
        """The distinct topics of all rows."""
        return [row[0] for row in self._select(f"SELECT DISTINCT topic FROM {TABLE}", ())]  # noqa: S608

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, statement: str, parameters: tuple[object, ...]) -> list[Notification]:
        return [
            Notification(
                id=row[0],
                originator_id=UUID(row[1]),
                originator_version=row[2],
                topic=row[3],
                state=row[4],
            )
            for row in self._select(statement, parameters)
        ]

    def _select(self, statement: str, parameters: tuple[object, ...]) -> list[Any]:
        with self._lock, _translated():
            return self._connection.execute(statement, parameters).fetchall()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unreachable(str(error)) from error


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; a directory that cannot be written to is no obstacle."""
    address = f"file:{quote(path.as_posix())}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=PATIENCE)
    try:
        connection.execute(f"SELECT 1 FROM {TABLE} LIMIT 1")  # noqa: S608
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        return sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
    return connection


class _Silent:
    """Nobody waits for news of a log that is only looked back on."""

    def look(self) -> object:
        return None

    def ring(self) -> None:
        return

    def wait(self, _seen: object, timeout: float) -> None:
        threading.Event().wait(timeout)

    def close(self) -> None:
        return
