"""The order of the log for readers: who reads by position misses nothing and reorders nothing.

Writers are held up between their insert and their commit: the moment in which positions are given
but not yet visible. The control takes the table lock away and must be caught.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.sqlite import SQLiteCursor
from psycopg import Cursor
from psycopg.rows import DictRow

from infrastructure.event_log import SqlEventLog, postgres, sqlite, upgrade
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from infrastructure.event_log.postgres import PostgresStore
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.sqlite import SqliteStore
from infrastructure.event_log.url import sqlite_file
from tests.conformance.event_log.counters import NEW, Counter, now

WRITERS, TAILERS, SAVES = 8, 3, 30
LONGEST_HOLD = 0.01
"""Seconds between an insert and its commit, at most."""


def _dawdle() -> None:
    time.sleep(random.uniform(0, LONGEST_HOLD))


class SlowOnPostgres(postgres.PostgresRecorder):
    """Commits some time after it has inserted."""

    def _fetch_ids_after_insert_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        positions = super()._fetch_ids_after_insert_events(curs, stored_events, **kwargs)
        _dawdle()
        return positions


class Unlocked(SlowOnPostgres):
    """The control: inserts without locking the table."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore)
        self.lock_table_statements = []


class SlowOnSqlite(sqlite.SqliteRecorder):
    """Commits some time after it has inserted."""

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        positions = super()._insert_events(c, stored_events, **kwargs)
        _dawdle()
        return positions


Opener = Callable[[], SqlEventLog]


def opener(url: str, on_postgres: type[postgres.PostgresRecorder] = SlowOnPostgres) -> Opener:
    """Opens logs whose writers dawdle."""
    path = sqlite_file(url)

    def store() -> PostgresStore | SqliteStore:
        if path is None:
            return PostgresStore(url, 2, recorder=on_postgres)
        return SqliteStore(path, 2, SlowOnSqlite)

    return lambda: SqlEventLog(store(), Mapper(event_types), QueryRunner(20))


def write(open_log: Opener) -> None:
    """One writer: new aggregates of one to three events."""
    log = open_log()
    for turn in range(SAVES):
        counter = Counter.open(now(), NEW.new())
        for _ in range(turn % 3):
            counter.add(now())
        log.save(counter)
    log.close()


def follow(open_log: Opener, batch: int, written: threading.Event) -> list[int]:
    """One tailer: the positions that it saw, in its order."""
    log = open_log()
    seen: list[int] = []
    while True:
        over = written.is_set()
        entries = log.read(seen[-1] if seen else 0, batch)
        seen.extend(entry.position for entry in entries)
        if over and not entries:
            log.close()
            return seen
        if not entries:
            log.wait(seen[-1] if seen else 0, 0.1)


def race(open_log: Opener) -> tuple[list[int], list[list[int]]]:
    """All positions in the end, and what each tailer saw of them meanwhile."""
    written = threading.Event()
    with ThreadPoolExecutor(WRITERS + TAILERS) as pool:
        following = [pool.submit(follow, open_log, batch, written) for batch in (1, 10, 100)]
        writing = [pool.submit(write, open_log) for _ in range(WRITERS)]
        try:
            for writer in writing:
                writer.result(90)
        finally:
            written.set()
        seen = [tailer.result(30) for tailer in following]
    log = open_log()
    every = [entry.position for entry in log.read(0, 100_000)]
    log.close()
    return every, seen


def test_nobody_misses_or_reorders_anything(database_url: str) -> None:
    upgrade(database_url)
    every, seen = race(opener(database_url))
    assert len(every) == WRITERS * SAVES * 2
    assert every == sorted(every)
    assert len(seen) == TAILERS
    for positions in seen:
        assert positions == every


def test_the_control_without_the_table_lock_is_caught(postgres_url: str) -> None:
    upgrade(postgres_url)
    for _ in range(5):
        every, seen = race(opener(postgres_url, Unlocked))
        if any(positions != every for positions in seen):
            return
    pytest.fail("the harness does not notice that the table lock is gone")
