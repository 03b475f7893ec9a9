"""From a URL to a log and to records."""

from infrastructure.event_log import event_types as vocabulary
from infrastructure.event_log.log import SqlEventLog
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.migrations import check
from infrastructure.event_log.postgres import PostgresStore
from infrastructure.event_log.record_tables import PostgresRecords, SqliteRecords
from infrastructure.event_log.records import SqlRecords
from infrastructure.event_log.retry import SECONDS, DatabaseRetryPolicy
from infrastructure.event_log.snapshots import EVERY, SnapshotService
from infrastructure.event_log.sqlite import SqliteStore
from infrastructure.event_log.url import sqlite_file

POOL = 8
"""Connections per process, unless the caller says otherwise."""


def open_event_log(
    url: str, *, pool: int = POOL, patience: float = SECONDS, snapshots: int | None = EVERY
) -> SqlEventLog:
    """The event log of a database. Open it after a fork, never before.

    Args:
        url: ``sqlite:////absolute/path/events.db`` or ``postgresql://user@host:port/database?…``.
        pool: connections kept for this process; on PostgreSQL one more listens.
        patience: seconds for which a database that does not answer is asked again.
        snapshots: events after which a snapshot is taken of aggregates that allow it; None: they
            are neither taken nor used.

    Raises:
        SchemaError: the schema is missing, older or newer than this code; or unreachable.
        ValueError: the URL is of no such form.
    """
    check(url)
    path = sqlite_file(url)
    store = PostgresStore(url, pool) if path is None else SqliteStore(path, pool)
    bound = DatabaseRetryPolicy(patience)
    kept = None if snapshots is None else SnapshotService(store, bound, snapshots)
    return SqlEventLog(store, Mapper(vocabulary.event_types), bound, kept)


def open_records(url: str, *, pool: int = 4, patience: float = SECONDS) -> SqlRecords:
    """The decision records of a database. Arguments and errors as ``open_event_log``."""
    check(url)
    path = sqlite_file(url)
    table = PostgresRecords(url, pool) if path is None else SqliteRecords(path, pool)
    return SqlRecords(table, DatabaseRetryPolicy(patience))
