"""The event table on PostgreSQL.

The library's recorder locks the table before it inserts: positions are in commit order (they may
have holes). Its ``enable_db_functions`` takes no lock and loses events for readers: never used.
"""

import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
)
from eventsourcing.postgres import ConnectionPool, PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg.sql import SQL, Identifier

from application.kernel.outage_log import OutageLog
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
from infrastructure.postgresql import is_outage, is_read_only, session_options

log = logging.getLogger(__name__)

SCHEMA = "public"
LOCK_TIMEOUT = 5
"""Seconds to wait for the table lock."""
CONNECT_TIMEOUT = 5
"""Seconds to wait for a connection, also for one from the pool."""
IDLE_TIMEOUT = 10.0
"""Seconds after which the server ends the transaction of a process that stopped in it."""
_LISTEN_TIMEOUT = 0.25
"""Seconds after which the listening thread checks whether it should end."""
_RELISTEN = 0.5
"""Seconds between two attempts to listen again."""


class PostgresRecorder(PostgresApplicationRecorder):
    """The library's recorder without its own retries: ``QueryRunner`` retries and logs."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name=TABLE)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Inserts once."""
        insert = inspect.unwrap(PostgresApplicationRecorder.insert_events)
        positions: Sequence[int] | None = insert(self, stored_events, **kwargs)
        return positions


def datastore(url: str, pool: int, lock_timeout: int = LOCK_TIMEOUT) -> PostgresDatastore:
    """A pool of connections to a URL; they are opened when needed.

    The pool drops a lost connection soon and opens a new one for the next caller: its own
    reconnection waits for minutes.
    """
    store = PostgresDatastore(
        "",
        "",
        "",
        "",
        "",
        lock_timeout=lock_timeout,
        idle_in_transaction_session_timeout=IDLE_TIMEOUT,
        schema=SCHEMA,
    )
    store.pool = ConnectionPool(
        url,
        connection_class=psycopg.Connection[DictRow],
        kwargs={
            "row_factory": dict_row,
            "connect_timeout": CONNECT_TIMEOUT,
            "fallback_application_name": "vigil",
            **session_options(url),
        },
        min_size=1,
        max_size=pool,
        open=False,
        configure=store.after_connect_func(),
        timeout=CONNECT_TIMEOUT,
        reconnect_timeout=1.0,
        num_workers=1,
    )
    return store


class PostgresDatabase(Database):
    """Connections to one database.

    Args:
        url: a libpq URL; the schema exists.
        pool: how many connections at most.
        lock_timeout: seconds to wait for the table lock.
    """

    dialect = Dialect(
        schema=SCHEMA,
        position="notification_id",
        now="now()",
        ago="now() - make_interval(secs => ?)",
        age="extract(epoch FROM now() - {})::float8",
        as_stored="{column}",
        lock_rows="FOR UPDATE",
    )

    def __init__(self, url: str, pool: int, lock_timeout: int = LOCK_TIMEOUT) -> None:
        self.datastore = datastore(url, pool, lock_timeout)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns PostgreSQL's errors into those of a store.

        After a lost connection the pool checks all of its connections; after a refusal to write it
        replaces them.
        """
        try:
            yield
        except (IntegrityError, psycopg.IntegrityError) as error:
            raise VersionConflict(str(error)) from error
        except (OperationalError, InterfaceError, InternalError, ProgrammingError) as error:
            self._heal(error.__cause__)
            raise Unreachable(str(error).strip()) from error
        except psycopg.Error as error:
            if not is_outage(error):
                raise
            self._heal(error)
            raise Unreachable(str(error).strip()) from error

    def check_writable(self) -> None:
        """Raises ``Unreachable`` if the sessions of the pool cannot write."""
        if self.select("SHOW transaction_read_only") == [("on",)]:
            self.datastore.pool.drain()
            raise Unreachable("the database is read-only")

    def _heal(self, cause: BaseException | None) -> None:
        pool = self.datastore.pool
        if pool.closed:
            return
        if is_read_only(cause):
            pool.drain()
        else:
            pool.check()

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query."""
        with self.translated(), self.datastore.get_connection() as connection:
            return _executed(connection, statement, parameters)

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """A transaction that writes."""
        with (
            self.translated(),
            self.datastore.get_connection() as connection,
            connection.transaction(),
        ):
            yield partial(_executed, connection)

    def close(self) -> None:
        """Closes all connections."""
        self.datastore.close()


def _executed(
    connection: psycopg.Connection[DictRow], statement: str, parameters: Sequence[object]
) -> list[Row]:
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        cursor.execute(statement.replace("?", "%s").encode(), parameters)
        return cursor.fetchall() if cursor.description else []


class PostgresAppendNotifier(AppendNotifier):
    """Notices the appends of other processes by LISTEN on a connection of its own.

    The listening thread starts with the first token and survives lost connections. It wakes all
    waiters each time that it has begun to listen: the read that follows finds earlier appends.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._listener: threading.Thread | None = None

    def close(self) -> None:
        """Wakes all waiters and ends the listening thread."""
        super().close()
        if self._listener is not None:
            self._listener.join(2 * CONNECT_TIMEOUT)

    def _token(self) -> object:
        if self._listener is None and not self._closed.is_set():
            self._listener = threading.Thread(
                target=self._listen, name="event-log-listener", daemon=True
            )
            self._listener.start()
        return self._notified

    def _listen(self) -> None:
        outage = OutageLog(log, "event log: cannot LISTEN, polling instead", time.monotonic)
        while not self._closed.is_set():
            try:
                self._listen_once(outage)
            except Exception as error:  # noqa: BLE001 - without this thread, waiters only poll
                outage.failed(error)
                self._closed.wait(_RELISTEN)

    def _listen_once(self, outage: OutageLog) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
            fallback_application_name="vigil listener",
        ) as connection:
            connection.execute(SQL("LISTEN {}").format(Identifier(TABLE)))
            outage.over()
            self.notify()
            while not self._closed.is_set():
                for _ in connection.notifies(timeout=_LISTEN_TIMEOUT, stop_after=1):
                    self.notify()


class PostgresStore(EventStore):
    """The event table in one database.

    Args:
        url: a libpq URL; the schema exists.
        pool: how many connections at most (one more listens).
        lock_timeout: seconds to wait for the table lock.
        recorder: the recorder class; tests pass their own.
    """

    def __init__(
        self,
        url: str,
        pool: int = 8,
        *,
        lock_timeout: int = LOCK_TIMEOUT,
        recorder: Callable[[PostgresDatastore], PostgresRecorder] = PostgresRecorder,
    ) -> None:
        database = PostgresDatabase(url, pool, lock_timeout)
        with database.translated():
            inserting = recorder(database.datastore)
        super().__init__(database, PostgresAppendNotifier(url), inserting)
