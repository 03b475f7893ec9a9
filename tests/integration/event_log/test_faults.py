"""What the log does when its database fails it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import OperationalError, StoredEvent

from application.kernel.outage_log import DATABASE_AWAY
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.projections import StoreUnavailable
from infrastructure.event_log import (
    SchemaError,
    SqlEventLog,
    open_event_log,
    open_records,
    postgres,
    sqlite,
    upgrade,
)
from infrastructure.event_log import log as log_module
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.postgres import PostgresStore
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.sqlite import SqliteStore
from infrastructure.event_log.url import sqlite_file
from infrastructure.read_models import SqlServices, open_engine, this_instance
from infrastructure.read_models import upgrade as upgrade_read_models
from tests.conformance.event_log.counters import NEW, Counter, loaded, now, opened
from tests.postgres import Cluster, cut_all, read_only

LIMIT = 30.0


class _AnswerLost:
    """Commits, and then the answer is lost, the first time."""

    lost = 0

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        positions: Sequence[int] | None = super().insert_events(  # type: ignore[misc]
            stored_events, **kwargs
        )
        if not self.lost:
            self.lost = 1
            raise OperationalError("the connection was lost after the commit")
        return positions


class LostOnSqlite(_AnswerLost, sqlite.SqliteRecorder):
    pass


class LostOnPostgres(_AnswerLost, postgres.PostgresRecorder):
    pass


def test_a_commit_whose_answer_was_lost_is_recognised(event_database: str) -> None:
    path = sqlite_file(event_database)
    store = (
        PostgresStore(event_database, recorder=LostOnPostgres)
        if path is None
        else SqliteStore(path, recorder=LostOnSqlite)
    )
    log = SqlEventLog(store, Mapper(event_types), QueryRunner())
    one, two = Counter.open(now(), NEW.new()), Counter.open(now(), NEW.new())
    one.add(now(), 3)
    assert log.save(one, two) == log.end()
    assert len(log.read(0, 10)) == 3
    assert loaded(log, one.id).total == 3
    log.close()


# -- SQLite ------------------------------------------------------------------------------------


@pytest.fixture
def url(sqlite_url: str) -> str:
    upgrade(sqlite_url)
    return sqlite_url


@contextmanager
def writer_lock(url: str) -> Iterator[None]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_busy_file_is_waited_for_and_readers_go_on(url: str) -> None:
    log = open_event_log(url)
    counter_id = opened(log, 1)
    with ThreadPoolExecutor(3) as pool:
        with writer_lock(url):
            saving = [pool.submit(opened, log, 5) for _ in range(2)]
            for _ in range(20):
                assert loaded(log, counter_id).total == 1
                assert not any(writer.done() for writer in saving)
        ids = [writer.result(LIMIT) for writer in saving]
    assert [loaded(log, found).total for found in ids] == [5, 5]
    log.close()


def test_a_file_that_stays_busy_is_reported_and_nothing_is_saved(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT", 0.1)
    log = open_event_log(url, retry_seconds=0.3)
    with writer_lock(url), pytest.raises(EventLogUnavailable, match="locked"):
        opened(log)
    assert log.end() == 0
    opened(log)
    assert log.end() == 1
    log.close()


def test_a_full_disk_is_reported_and_nothing_is_saved(url: str) -> None:
    log = open_event_log(url, retry_seconds=0.1)
    opened(log)
    with log._store._database.writers.transaction(commit=False) as cursor:  # type: ignore[attr-defined]
        cursor.execute("PRAGMA max_page_count = 1")
    with pytest.raises(EventLogUnavailable, match="full"):
        log.save(Counter.open(now(), NEW.new()), Counter.open(now(), NEW.new(), "x" * 100_000))
    assert log.end() == 1
    log.close()


# -- PostgreSQL --------------------------------------------------------------------------------


@pytest.fixture
def log_on_postgres(postgres_url: str) -> Iterator[SqlEventLog]:
    upgrade(postgres_url)
    log = open_event_log(postgres_url)
    yield log
    log.close()


def sessions(url: str, listening: bool = False) -> int:
    """How many other sessions the database has (that listen)."""
    condition = "AND query LIKE 'LISTEN%'" if listening else ""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "  # noqa: S608
            f"AND pid <> pg_backend_pid() {condition}".encode()
        ).fetchone()
    assert row is not None
    return int(row[0])


def until_listening(url: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not sessions(url, listening=True):
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.02)


def test_lost_connections_are_replaced(log_on_postgres: SqlEventLog, postgres_url: str) -> None:
    log = log_on_postgres
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: opened(log), range(12)))
    for turn in range(3):
        cut_all(postgres_url)
        assert len(log.read(0, 100)) == 12 + turn
        cut_all(postgres_url)
        opened(log)


def test_a_waiter_survives_the_loss_of_its_connection(
    log_on_postgres: SqlEventLog, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "FLOOR", 10 * LIMIT)  # only the notifier wakes
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(log_on_postgres.wait, 0, LIMIT)
        for _ in range(2):
            until_listening(postgres_url)
            cut_all(postgres_url)
        until_listening(postgres_url)
        other = open_event_log(postgres_url)
        opened(other)
        other.close()
        assert waiting.result(LIMIT / 2)


def test_a_table_that_stays_locked_is_reported_and_nothing_is_saved(postgres_url: str) -> None:
    upgrade(postgres_url)
    store = PostgresStore(postgres_url, lock_timeout=1)
    log = SqlEventLog(store, Mapper(event_types), QueryRunner(0.1))
    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        with pytest.raises(EventLogUnavailable, match="lock timeout"):
            opened(log)
        assert log.end() == 0
    counter_id = opened(log, 2)
    assert loaded(log, counter_id).total == 2
    log.close()


def test_a_writer_that_stops_in_its_transaction_is_cut_off(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "IDLE_TIMEOUT", 0.5)
    upgrade(postgres_url)
    stopped, log = PostgresStore(postgres_url), open_event_log(postgres_url)
    with stopped._database.datastore.get_connection() as connection:  # type: ignore[attr-defined]
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        counter_id = opened(log)  # waits until the server ends the transaction above
        assert loaded(log, counter_id).version == 1
        with pytest.raises(psycopg.Error, match="idle-in-transaction"):
            connection.execute("COMMIT")
    stopped.close()
    log.close()


def test_an_unknown_refusal_is_no_conflict(postgres_url: str) -> None:
    upgrade(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE stored_events ADD CHECK (topic <> 'test.counted')")
    log = open_event_log(postgres_url, retry_seconds=0.1)
    counter_id = opened(log)
    counter = loaded(log, counter_id)
    counter.add(now())
    with pytest.raises(EventLogUnavailable, match="check constraint"):
        log.save(counter)
    with pytest.raises(ConcurrencyConflict):
        log.save(Counter.open(now("other"), counter_id))
    log.close()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    own = Cluster()
    try:
        own.start()
        yield own
    finally:
        own.remove()


def test_a_restart_of_the_database_is_ridden_out(cluster: Cluster) -> None:
    upgrade(cluster.url)
    log, records = open_event_log(cluster.url), open_records(cluster.url)
    counter_id, digest = opened(log), records.put(b"a model")
    end = log.end()
    with ThreadPoolExecutor(4) as pool:
        waiting = pool.submit(log.wait, end, LIMIT)
        down = threading.Event()

        def save() -> int:
            down.wait(LIMIT)
            counter = loaded(log, counter_id)
            counter.add(now())
            return log.save(counter)

        saving = pool.submit(save)
        cluster.stop()
        down.set()
        reading = pool.submit(records.get, digest)
        time.sleep(0.3)  # so that they meet a server that is not there
        cluster.start()
        assert saving.result(LIMIT) > end
        assert reading.result(LIMIT) == b"a model"
        assert waiting.result(LIMIT)
    assert loaded(log, counter_id).total == 1
    log.close()
    records.close()


def test_a_database_that_is_not_there_is_reported(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CONNECT_TIMEOUT", 1)
    upgrade(cluster.url)
    log = open_event_log(cluster.url, retry_seconds=0.2)
    cluster.stop()
    with pytest.raises(EventLogUnavailable):
        log.end()
    assert log.wait(0, 0.1) is False
    with pytest.raises(SchemaError, match="cannot be opened"):
        open_event_log(cluster.url)
    with pytest.raises(SchemaError, match="cannot be upgraded"):
        upgrade(cluster.url)
    log.close()


def refused(write: Callable[[], object]) -> None:
    """Turns a refusal into success, and the other way round."""
    try:
        write()
    except DATABASE_AWAY:
        return
    raise StoreUnavailable("it was written")


def within_seconds(attempt: Callable[[], object], seconds: float = 5.0) -> None:
    """Repeats an attempt while the database is away."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except DATABASE_AWAY:
            assert time.monotonic() < deadline, "it does not recover by itself"
            time.sleep(0.05)
        else:
            return


def test_a_database_that_was_read_only_for_a_while_is_written_to_again_within_seconds(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover ends all sessions; new ones are read-only until the new primary is promoted.

    A session keeps the setting that it began with: a pool that keeps such a session reads for ever,
    and can never write again.
    """
    monkeypatch.setattr(postgres, "CONNECT_TIMEOUT", 1)
    upgrade(postgres_url)
    upgrade_read_models(postgres_url)
    log = open_event_log(postgres_url, retry_seconds=0.1)
    records = open_records(postgres_url, retry_seconds=0.1)
    engine = open_engine(postgres_url)
    services = SqlServices(engine, host="ctl")
    me = this_instance("watcher-applier", host="ctl")
    writes: list[Callable[[], object]] = [
        lambda: opened(log),
        lambda: records.put(uuid4().bytes),
        lambda: services.beat(me),
        log.check_writable,
    ]
    for write in writes:
        write()
    with read_only(postgres_url):
        for _ in range(2):  # the first may meet a session that was cut
            for write in writes:
                with pytest.raises(DATABASE_AWAY):
                    write()
    for write in writes:
        within_seconds(write)
    for close in (log.close, records.close, engine.dispose):
        close()


def test_sessions_that_become_read_only_while_they_are_open_are_replaced(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload of the server's configuration changes open sessions, without ending one."""
    monkeypatch.setattr(postgres, "CONNECT_TIMEOUT", 1)
    upgrade(cluster.url)
    upgrade_read_models(cluster.url)
    log = open_event_log(cluster.url, retry_seconds=0.1)
    records = open_records(cluster.url, retry_seconds=0.1)
    engine = open_engine(cluster.url)
    services = SqlServices(engine, host="ctl")
    me = this_instance("watcher-applier", host="ctl")
    writes: list[Callable[[], object]] = [
        lambda: opened(log),
        lambda: records.put(uuid4().bytes),
        lambda: services.beat(me),
        log.check_writable,
    ]
    for write in writes:
        write()
    for value in ("on", "off"):
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}".encode())
            connection.execute("SELECT pg_reload_conf()")
        for write in writes:
            within_seconds(partial(refused, write) if value == "on" else write)
    for close in (log.close, records.close, engine.dispose):
        close()
