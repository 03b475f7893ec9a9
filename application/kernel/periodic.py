import logging
import threading
from collections.abc import Callable

from application.kernel.outage_log import DATABASE_AWAY, OutageLog
from application.ports.clock import Clock


class PeriodicJob:
    """Calls a function at an interval. A failure is logged and does not end the job.

    Args:
        log: the logger of the caller's module.
        failure: what a failure means, for the log ("no heartbeat of …").
        work: returns the seconds until its next call, or None for the interval.
        interval: seconds between the end of a call and the next one.
        clock: measures how long the database is unreachable.
        first: seconds before the first call.
    """

    def __init__(
        self,
        log: logging.Logger,
        failure: str,
        work: Callable[[], float | None],
        *,
        interval: float,
        clock: Clock,
        first: float = 0.0,
    ) -> None:
        self._log = log
        self._failure = failure
        self._work = work
        self._interval = interval
        self._first = first
        self._outage = OutageLog(log, failure, clock.monotonic)

    def run(self, stop: threading.Event) -> None:
        """Calls the function until ``stop`` is set."""
        pause = self._first
        while not stop.wait(pause):
            pause = self.attempt(stop)

    def attempt(self, stop: threading.Event | None = None) -> float:
        """Calls the function once; returns the seconds until the next call."""
        pause: float | None = None
        try:
            pause = self._work()
        except DATABASE_AWAY as away:
            self._outage.failed(away)
        except Exception:  # noqa: BLE001 - it is logged
            is_stopping = stop is not None and stop.is_set()  # the database may be closed already
            self._log.log(
                logging.DEBUG if is_stopping else logging.ERROR,
                "%s; trying again in %g s",
                self._failure,
                self._interval,
                exc_info=True,
            )
        else:
            self._outage.over()
        return self._interval if pause is None else pause
