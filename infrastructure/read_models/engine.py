"""Connections to the database of the read models, SQLite or PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from application.ports.projections import StoreUnavailable
from infrastructure import postgresql
from infrastructure.bell import Bell
from infrastructure.wal import connected_to_read, write_ahead

BUSY = 30.0
"""Default seconds that a writer waits for another one on SQLite."""
_READING = "vigil_reading"


def views_url(log_url: str) -> str:
    """The URL of the read models of a log: ``views.db`` next to its SQLite file, or the same URL.

    SQLite allows one writer per file. With a separate file, projections never block commands.
    """
    if not log_url.startswith("sqlite:"):
        return log_url
    url = make_url(log_url)
    if not url.database:
        return log_url
    views = Path(url.database).with_name("views.db")
    return url.set(database=str(views)).render_as_string(hide_password=False)


def open_engine(url: str, *, connections: int = 10, busy: float = BUSY) -> Engine:
    """A pool of connections, which are opened when needed.

    Args:
        url: ``sqlite:///…`` or ``postgresql://…`` as libpq reads it, also with several hosts.
        connections: maximum number of connections.
        busy: seconds that a writer waits for another one (SQLite only).
    """
    if url.startswith("sqlite:"):
        return _sqlite(make_url(url), connections, busy)
    options: dict[str, Any] = {"connect_timeout": 10, "application_name": "vigil-read-models"}
    options |= postgresql.session_options(url)
    engine = create_engine(
        "postgresql+psycopg://",  # SQLAlchemy's own URLs have one host
        creator=lambda: psycopg.connect(url, **options),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
    )
    event.listen(engine, "handle_error", _replace_read_only)
    return engine


def open_read_only(url: str, *, busy: float = BUSY) -> Engine:
    """A connection to read models; the database itself refuses to write.

    Args:
        url: as for ``open_engine``.
        busy: seconds to wait for a lock (SQLite only).
    """
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return open_engine(postgresql.read_only(url), connections=1)
    path = Path(target.database or "")
    return create_engine(
        "sqlite://", creator=lambda: connected_to_read(path, busy), poolclass=StaticPool
    ).execution_options(**{_READING: True})


def reading(engine: Engine) -> Engine:
    """The same pool without transactions, for single statements that only read."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READING: True})
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def bell(engine: Engine) -> Bell | None:
    """The bell of the file of the read models; None if they are not in a file."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    return Bell(Path(engine.url.database))


@contextmanager
def outages(engine: Engine) -> Iterator[None]:
    """Converts database errors that are outages.

    Raises:
        StoreUnavailable: the database cannot be reached, timed out, or has no tables.
    """
    try:
        yield
    except PoolTimeout as error:
        raise _unavailable(engine, error) from error
    except DBAPIError as error:
        if error.orig is not None and _is_outage(error.orig):
            raise _unavailable(engine, error.orig) from error
        raise
    except (sqlite3.Error, psycopg.Error) as error:
        if _is_outage(error):
            raise _unavailable(engine, error) from error
        raise


def _is_outage(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.OperationalError)
    return postgresql.is_outage(error)


def _replace_read_only(context: ExceptionContext) -> None:
    """A session that cannot write counts as lost: the pool replaces all of its sessions."""
    if postgresql.is_read_only(context.original_exception):
        context.is_disconnect = True


def _unavailable(engine: Engine, cause: BaseException) -> StoreUnavailable:
    name = engine.url.database or engine.dialect.name
    return StoreUnavailable(f"{name}: {cause}")


def _sqlite(url: URL, connections: int, busy: float) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError("the read models need a file, because several processes share them")
    engine = create_engine(
        url, pool_size=connections, max_overflow=0, connect_args={"timeout": busy}
    )
    event.listen(engine, "connect", partial(_set_up, busy))
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(busy: float, connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in _begin, not implicitly
    write_ahead(connection, busy)
    cursor = connection.cursor()
    for setting in (
        # no fsync per commit: rows lost in a power failure are rebuilt from the log
        "synchronous = NORMAL",
        "wal_autocheckpoint = 4000",
        "cache_size = -32768",
    ):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get(_READING):
        # without IMMEDIATE, a transaction that reads and then writes fails at once, despite the
        # busy timeout, if another one wrote in between
        connection.exec_driver_sql("BEGIN IMMEDIATE")
