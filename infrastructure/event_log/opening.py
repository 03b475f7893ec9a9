"""Opens the event log and the records of a URL."""

from infrastructure.event_log import event_types as vocabulary
from infrastructure.event_log.log import SqlEventLog
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.migrations import check
from infrastructure.event_log.postgres import PostgresDatabase, PostgresStore
from infrastructure.event_log.query_runner import RETRY_SECONDS, QueryRunner
from infrastructure.event_log.record_table import RecordTable
from infrastructure.event_log.records import SqlRecords
from infrastructure.event_log.seals import SqlSeals
from infrastructure.event_log.snapshots import EVERY, SnapshotService
from infrastructure.event_log.sqlite import SqliteDatabase, SqliteStore
from infrastructure.event_log.store import Database
from infrastructure.event_log.url import sqlite_file

POOL = 8
"""The default number of connections per process."""


def open_event_log(
    url: str,
    *,
    pool: int = POOL,
    retry_seconds: float = RETRY_SECONDS,
    snapshots: int | None = EVERY,
) -> SqlEventLog:
    """The event log of a database. Open it after a fork, never before.

    Args:
        url: ``sqlite:////absolute/path/events.db`` or ``postgresql://user@host:port/database?…``.
        pool: connections kept for this process; on PostgreSQL one more listens.
        retry_seconds: for how long a query is tried again after its first failure.
        snapshots: events after which a snapshot is taken of aggregates that allow it; None:
            snapshots are neither taken nor used.

    Raises:
        SchemaError: the schema is missing, older or newer than this code; or unreachable.
        ValueError: the URL has another form.
    """
    check(url)
    path = sqlite_file(url)
    store = PostgresStore(url, pool) if path is None else SqliteStore(path, pool)
    queries = QueryRunner(retry_seconds)
    service = None if snapshots is None else SnapshotService(store, queries, snapshots)
    return SqlEventLog(store, Mapper(vocabulary.event_types), queries, service)


def open_seals(url: str, *, retry_seconds: float = RETRY_SECONDS) -> SqlSeals:
    """The seals of a database. Arguments and errors as ``open_event_log``."""
    return SqlSeals(_database(url, 2), QueryRunner(retry_seconds))


def open_records(url: str, *, pool: int = 4, retry_seconds: float = RETRY_SECONDS) -> SqlRecords:
    """The decision records of a database. Arguments and errors as ``open_event_log``."""
    return SqlRecords(RecordTable(_database(url, pool)), QueryRunner(retry_seconds))


def _database(url: str, pool: int) -> Database:
    check(url)
    path = sqlite_file(url)
    return PostgresDatabase(url, pool) if path is None else SqliteDatabase(path, pool)
