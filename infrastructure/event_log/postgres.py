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
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    InternalError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import ConnectionPool, PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import DictRow, TupleRow, dict_row, tuple_row
from psycopg.sql import SQL, Composed, Identifier

from application.kernel.outage_log import OutageLog
from infrastructure.event_log.store import (
    ALL,
    SNAPSHOTS,
    TABLE,
    StoredSnapshot,
    Unreachable,
    VersionConflict,
)

log = logging.getLogger(__name__)

SCHEMA = "public"
LOCK_TIMEOUT = 5
"""Seconds to wait for the table lock."""
CONNECT_TIMEOUT = 5
"""Seconds to wait for a connection, also for one from the pool."""
IDLE_TIMEOUT = 10.0
"""Seconds after which the server ends the transaction of a process that stopped in it."""
_HEED = 0.25
"""Seconds after which the listener looks whether it should end."""
_RELISTEN = 0.5
"""Seconds between two attempts to listen again."""

_COLUMNS = SQL("SELECT notification_id, originator_version, topic, state FROM {}").format(
    Identifier(SCHEMA, TABLE)
)
_STREAM = _COLUMNS + SQL(
    " WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s"
    " ORDER BY originator_version"
)
_SNAPSHOT = SQL("SELECT version, topic, code, event, state FROM {} WHERE aggregate_id = %s").format(
    Identifier(SCHEMA, SNAPSHOTS)
)
_KEEP = SQL(
    "INSERT INTO {} AS there (aggregate_id, version, topic, code, event, state) "
    "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (aggregate_id) DO UPDATE SET "
    "version = excluded.version, topic = excluded.topic, code = excluded.code, "
    "event = excluded.event, state = excluded.state "
    "WHERE there.version <= excluded.version OR there.code <> excluded.code"
).format(Identifier(SCHEMA, SNAPSHOTS))
_TOPICS = SQL("SELECT DISTINCT topic FROM {}").format(Identifier(SCHEMA, TABLE))


class PostgresRecorder(PostgresApplicationRecorder):
    """The library's recorder without its own retries: the log bounds and logs them."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name=TABLE)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Inserts once."""
        insert = inspect.unwrap(PostgresApplicationRecorder.insert_events)
        positions: Sequence[int] | None = insert(self, stored_events, **kwargs)
        return positions

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        """Selects once."""
        select = inspect.unwrap(PostgresApplicationRecorder.select_notifications)
        rows: Sequence[Notification] = select(self, *args, **kwargs)
        return rows

    def max_notification_id(self) -> int | None:
        """Selects once."""
        select = inspect.unwrap(PostgresApplicationRecorder.max_notification_id)
        position: int | None = select(self)
        return position


def datastore(url: str, pool: int, lock_timeout: int = LOCK_TIMEOUT) -> PostgresDatastore:
    """A pool of connections to a URL; they are opened when needed.

    The pool gives up a lost connection soon and opens a new one for the next caller: its own
    reconnection backs off for minutes.
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


@contextmanager
def translated(datastore: PostgresDatastore) -> Iterator[None]:
    """Names the database's errors as a store does; a lost connection makes the pool check all."""
    try:
        yield
    except (IntegrityError, psycopg.IntegrityError) as error:
        raise VersionConflict(str(error)) from error
    except (
        OperationalError,
        InterfaceError,
        InternalError,
        psycopg.OperationalError,
        psycopg.InterfaceError,
    ) as error:
        if not datastore.pool.closed:
            datastore.pool.check()
        raise Unreachable(str(error).strip()) from error


@contextmanager
def answered_by(datastore: PostgresDatastore) -> Iterator[psycopg.Connection[DictRow]]:
    """A connection in autocommit mode whose errors are named as a store does."""
    with translated(datastore), datastore.get_connection() as connection:
        yield connection


class PostgresAppendNotifier:
    """Hears this process's appends at once, those of others by LISTEN on a connection of its own.

    The listening thread starts with the first look, survives lost connections, and rings each time
    that it has begun to listen: what was announced before is found by the read that follows.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rung = threading.Condition()
        self._rings = 0
        self._closing = threading.Event()
        self._listener: threading.Thread | None = None

    def look(self) -> object:
        """A token of the present."""
        with self._rung:
            if self._listener is None and not self._closing.is_set():
                self._listener = threading.Thread(
                    target=self._listen, name="event-log-listener", daemon=True
                )
                self._listener.start()
            return self._rings

    def ring(self) -> None:
        """Wakes this process's waiters."""
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, seen: object, timeout: float) -> None:
        """Blocks until it has rung since ``seen``, or some seconds have passed."""
        with self._rung:
            self._rung.wait_for(lambda: self._closing.is_set() or self._rings != seen, timeout)

    def close(self) -> None:
        """Wakes everybody and ends the listener."""
        self._closing.set()
        self.ring()
        if self._listener is not None:
            self._listener.join(2 * CONNECT_TIMEOUT)

    def _listen(self) -> None:
        outage = OutageLog(log, "event log: nothing is heard, polling instead", time.monotonic)
        while not self._closing.is_set():
            try:
                self._listen_once(outage)
            except psycopg.Error as error:
                outage.failed(error)
                self._closing.wait(_RELISTEN)

    def _listen_once(self, outage: OutageLog) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT,
            fallback_application_name="vigil listener",
        ) as connection:
            connection.execute(SQL("LISTEN {}").format(Identifier(TABLE)))
            outage.over()
            self.ring()
            while not self._closing.is_set():
                for _ in connection.notifies(timeout=_HEED, stop_after=1):
                    self.ring()


class PostgresStore:
    """The event table in one database.

    Args:
        url: a libpq URL; the schema exists.
        pool: how many connections at most (one more listens).
        lock_timeout: seconds to wait for the table lock.
        recorder: the recorder class (a seam for tests).
    """

    def __init__(
        self,
        url: str,
        pool: int = 8,
        *,
        lock_timeout: int = LOCK_TIMEOUT,
        recorder: Callable[[PostgresDatastore], PostgresRecorder] = PostgresRecorder,
    ) -> None:
        self._datastore = datastore(url, pool, lock_timeout)
        self.bell = PostgresAppendNotifier(url)
        with translated(self._datastore):
            self._recorder = recorder(self._datastore)

    def insert(self, events: Sequence[StoredEvent]) -> int:
        """Stores events in one transaction; returns the position of the last."""
        with translated(self._datastore):
            positions = self._recorder.insert_events(events)
        if not positions:
            raise Unreachable("the recorder returned no positions")
        return positions[-1]

    def tail(self, after: int, limit: int) -> Sequence[Notification]:
        """Rows behind a position, in commit order."""
        with translated(self._datastore):
            return self._recorder.select_notifications(after, limit, inclusive_of_start=False)

    def stream(self, aggregate_id: UUID, after: int, upto: int = ALL) -> Sequence[Notification]:
        """Rows of one aggregate with after < version <= upto, in order."""
        return [
            Notification(
                id=position,
                originator_id=aggregate_id,
                originator_version=version,
                topic=topic,
                state=bytes(state),
            )
            for position, version, topic, state in self._rows(_STREAM, (aggregate_id, after, upto))
        ]

    def snapshot(self, aggregate_id: UUID) -> StoredSnapshot | None:
        """The snapshot of an aggregate."""
        for version, topic, code, event, state in self._rows(_SNAPSHOT, (aggregate_id,)):
            return StoredSnapshot(aggregate_id, version, topic, code, event, bytes(state))
        return None

    def keep(self, snapshot: StoredSnapshot) -> None:
        """Stores a snapshot in place of one that is not newer, or that other code made."""
        with answered_by(self._datastore) as connection:
            connection.execute(_KEEP, snapshot)

    def end(self) -> int:
        """The last position, 0 if there is none."""
        with translated(self._datastore):
            return self._recorder.max_notification_id() or 0

    def topics(self) -> list[str]:
        """The distinct topics of all rows."""
        return [row[0] for row in self._rows(_TOPICS, ())]

    def close(self) -> None:
        """Gives connections back."""
        self.bell.close()
        self._datastore.close()

    def _rows(self, statement: Composed, parameters: tuple[object, ...]) -> list[TupleRow]:
        with (
            answered_by(self._datastore) as connection,
            connection.cursor(binary=True, row_factory=tuple_row) as cursor,
        ):
            return cursor.execute(statement, parameters).fetchall()
