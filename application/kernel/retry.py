"""When and how often failed work is tried again: one policy for every retry loop."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import TypeVar

from application.ports.clock import Clock

T = TypeVar("T")

_MOST_GROWTH = 60
"""The exponent of ``factor`` stops here: 2.0 ** 1024 is no float."""


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses between attempts, and when to give up.

    Attributes:
        first_pause: s, after the first failure.
        longest_pause: s, the limit of a growing pause.
        factor: each pause is so many times the one before; 1: all are equal.
        attempts: how often the work is tried in all; None: no limit.
        time_limit: s; no attempt starts later than this after the first failure; None: no limit.
    """

    first_pause: float
    longest_pause: float = inf
    factor: float = 2.0
    attempts: int | None = None
    time_limit: float | None = None

    def delay(self, failures: int) -> float:
        """Seconds to wait after the ``failures``-th failure in a row, counted from 1."""
        growth = self.factor ** min(failures - 1, _MOST_GROWTH)
        return float(min(self.first_pause * growth, self.longest_pause))

    @property
    def patience(self) -> float:
        """Seconds of all pauses together; infinite without a limit of attempts."""
        return inf if self.attempts is None else sum(self.delays())

    def delays(self) -> Iterator[float]:
        """The seconds between one attempt and the next; ends with the last attempt."""
        failures = count(1) if self.attempts is None else range(1, self.attempts)
        return map(self.delay, failures)


def retry(
    work: Callable[[], T],
    policy: RetryPolicy,
    *,
    on: type[Exception] | tuple[type[Exception], ...],
    clock: Clock,
    stop: threading.Event | None = None,
    failed: Callable[[Exception, float], None] | None = None,
    since: float | None = None,
) -> T:
    """Calls ``work`` until it succeeds; returns its result.

    Args:
        work: may be called any number of times.
        policy: pauses and limits.
        on: the errors after which it is called again.
        clock: pauses, and measures the time limit.
        stop: ends the pauses; no attempt follows.
        failed: called before each pause, with the error and the length of the pause in seconds.
        since: when the time limit starts (``clock.monotonic``); None: at the first failure.

    Raises:
        Exception: the last error of ``work``, when the policy allows no further attempt or ``stop``
            is set.
    """
    for pause in policy.delays():
        try:
            return work()
        except on as error:
            now = clock.monotonic()
            since = now if since is None else since
            if policy.time_limit is not None and now + pause > since + policy.time_limit:
                raise
            if failed is not None:
                failed(error, pause)
            if stop is None:
                clock.sleep(pause)
            elif stop.wait(pause):
                raise
    return work()
