"""Waiting for what lies behind a position."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.event_log import EventLogUnavailable
from infrastructure.event_log import SqlEventLog, open_event_log
from infrastructure.event_log import log as log_module
from infrastructure.event_log.store import AppendNotifier
from tests.conformance.event_log.counters import loaded, now, opened

LIMIT = 30.0
"""Seconds that a waiter is given."""
SOON = 20.0
"""Seconds within which it must have woken; it looks once more when its time is over."""


@pytest.fixture
def no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiters do not poll: only the notifier wakes them."""
    monkeypatch.setattr(log_module, "FLOOR", 10 * LIMIT)


def test_what_is_there_already_is_not_waited_for(event_log: SqlEventLog) -> None:
    opened(event_log, 1)
    assert event_log.wait(0, 0)
    assert event_log.wait(event_log.end() - 1, LIMIT)


def test_waiting_ends_after_its_time(event_log: SqlEventLog) -> None:
    opened(event_log, 1)
    started = time.monotonic()
    assert not event_log.wait(event_log.end(), 0.2)
    assert time.monotonic() - started >= 0.2
    assert not event_log.wait(event_log.end(), 0)


@pytest.mark.usefixtures("no_floor")
def test_an_append_of_this_process_wakes_every_waiter(event_log: SqlEventLog) -> None:
    counter_id = opened(event_log)
    with ThreadPoolExecutor(5) as pool:
        for _ in range(5):
            end = event_log.end()
            waiting = [pool.submit(event_log.wait, end, LIMIT) for _ in range(4)]
            counter = loaded(event_log, counter_id)
            counter.add(now())
            event_log.save(counter)
            assert all(waiter.result(SOON) for waiter in waiting)


@pytest.fixture
def other_process(event_database: str, event_log: SqlEventLog) -> Iterator["Other"]:
    """A process that appends to a counter when it is told to."""
    other = Other(event_database, opened(event_log))
    yield other
    other.end()


class Other:
    def __init__(self, url: str, counter_id: UUID) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.event_log.counters", url, str(counter_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def append(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("more\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.communicate(timeout=LIMIT)
        assert self._process.returncode == 0


@pytest.mark.usefixtures("no_floor")
def test_an_append_of_another_process_wakes_every_waiter(
    event_log: SqlEventLog, other_process: Other
) -> None:
    with ThreadPoolExecutor(3) as pool:
        for _ in range(5):
            end = event_log.end()
            waiting = [pool.submit(event_log.wait, end, LIMIT) for _ in range(3)]
            other_process.append()
            assert all(waiter.result(SOON) for waiter in waiting)
            assert len(event_log.read(end, 10)) == 1


def test_closing_wakes_whoever_waits(event_log: SqlEventLog) -> None:
    begun = threading.Event()

    def wait() -> bool:
        begun.set()
        return event_log.wait(0, LIMIT)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        assert begun.wait(LIMIT)
        event_log.close()
        assert waiting.result(SOON) is False


def read_for_ever(log: SqlEventLog) -> None:
    while not log.wait(0, 0):
        log.read(0, 10)


def test_a_log_may_be_closed_while_others_use_it(event_database: str) -> None:
    """Closing an SQLite connection under another thread's statement crashed the process."""
    for _ in range(30):
        log = open_event_log(event_database)
        begun = threading.Barrier(5)

        def use(log: SqlEventLog = log, begun: threading.Barrier = begun) -> None:
            begun.wait(LIMIT)
            with pytest.raises(EventLogUnavailable, match="closed"):
                read_for_ever(log)

        with ThreadPoolExecutor(4) as pool:
            using = [pool.submit(use) for _ in range(4)]
            begun.wait(LIMIT)
            log.close()
            for user in using:
                user.result(SOON)


class SilentNotifier(AppendNotifier):
    """A notifier that wakes nobody."""

    def notify(self) -> None:
        """Does nothing."""

    def wait(self, token: object, timeout: float) -> None:
        time.sleep(timeout)


def test_news_are_found_within_a_second_or_so_even_if_no_notifier_wakes(
    event_log: SqlEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log._store, "notifier", SilentNotifier())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(event_log.wait, 0, LIMIT)
        opened(event_log)
        assert waiting.result(SOON)


def test_threads_read_wait_and_save_at_once(event_log: SqlEventLog) -> None:
    writers, each = 4, 10

    def write(_: int) -> None:
        for _ in range(each):
            opened(event_log, 1)

    def follow(_: int) -> list[int]:
        seen: list[int] = []
        while len(seen) < 2 * writers * each:
            after = seen[-1] if seen else 0
            assert event_log.wait(after, LIMIT)
            seen.extend(entry.position for entry in event_log.read(after, 7))
        return seen

    with ThreadPoolExecutor(writers + 3) as pool:
        following = [pool.submit(follow, number) for number in range(3)]
        list(pool.map(write, range(writers)))
        every = [entry.position for entry in event_log.read(0, 1000)]
        assert [reader.result(LIMIT) for reader in following] == [every] * 3
