"""The pauses and the limits of a retry policy."""

import threading
from itertools import islice

import pytest

from application.kernel.retry import RetryPolicy, retry
from infrastructure.clock import SystemClock
from tests.clocks import RecordingClock


class ManualClock(SystemClock):
    """Time that passes only while a caller sleeps or the work takes it."""

    def __init__(self) -> None:
        self.time = 100.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Failing:
    """Work that fails some times before it succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return self.calls


def test_pauses_grow_by_the_factor_up_to_the_longest() -> None:
    policy = RetryPolicy(first_pause=0.5, longest_pause=3.0)
    assert list(islice(policy.delays(), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert policy.delay(1_000_000) == 3.0
    assert list(RetryPolicy(0.25, factor=1.0, attempts=4).delays()) == [0.25] * 3
    assert list(RetryPolicy(1.0, attempts=1).delays()) == []
    assert RetryPolicy(1.0, attempts=4).patience == 7.0
    assert RetryPolicy(1.0).patience == float("inf")


def test_work_is_tried_again_until_it_succeeds() -> None:
    clock, seen = RecordingClock(), []
    work = Failing(3, OSError("away"))
    found = retry(
        work,
        RetryPolicy(1.0),
        on=OSError,
        clock=clock,
        failed=lambda error, pause: seen.append((str(error), pause)),
    )
    assert (found, clock.pauses) == (4, [1.0, 2.0, 4.0])
    assert seen == [("away", 1.0), ("away", 2.0), ("away", 4.0)]


def test_the_last_error_is_raised_after_the_last_attempt() -> None:
    clock = RecordingClock()
    work = Failing(9, OSError("away"))
    with pytest.raises(OSError, match="away"):
        retry(work, RetryPolicy(1.0, attempts=3), on=OSError, clock=clock)
    assert (work.calls, clock.pauses) == (3, [1.0, 2.0])


def test_an_error_that_is_not_listed_is_raised_at_once() -> None:
    work = Failing(1, KeyError("no"))
    with pytest.raises(KeyError):
        retry(work, RetryPolicy(1.0), on=OSError, clock=RecordingClock())
    assert work.calls == 1


def test_no_attempt_starts_after_the_time_limit() -> None:
    clock, work = ManualClock(), Failing(99, ConnectionError())
    policy = RetryPolicy(1.0, factor=1.0, time_limit=3.0)
    with pytest.raises(ConnectionError):
        retry(work, policy, on=OSError, clock=clock)
    assert (work.calls, clock.time) == (4, 103.0)


def test_the_time_limit_counts_from_the_first_failure_or_from_a_given_time() -> None:
    clock = ManualClock()
    calls = []

    def slow() -> None:
        clock.time += 2.0
        calls.append(clock.time)
        raise ConnectionError

    policy = RetryPolicy(0.5, factor=1.0, time_limit=3.0)
    with pytest.raises(ConnectionError):
        retry(slow, policy, on=OSError, clock=clock)
    assert calls == [102.0, 104.5, 107.0]
    calls.clear()
    with pytest.raises(ConnectionError):
        retry(slow, policy, on=OSError, clock=clock, since=clock.monotonic())
    assert calls == [109.0, 111.5]


def test_a_stop_ends_the_pause_and_no_attempt_follows() -> None:
    stop = threading.Event()
    stop.set()
    work = Failing(99, OSError("away"))
    with pytest.raises(OSError, match="away"):
        retry(work, RetryPolicy(60.0), on=OSError, clock=RecordingClock(), stop=stop)
    assert work.calls == 1
