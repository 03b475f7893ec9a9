import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from application.kernel.retry import RetryPolicy, retry
from application.ports.event_log import EventLogUnavailable
from infrastructure.clock import SystemClock
from infrastructure.event_log.store import Unreachable

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 10.0
"""For how long a query is tried again after its first failure."""
_CLOSE_TIMEOUT = 60.0
"""Seconds to wait at the end for running queries: longer than the timeout of any lock."""


class QueryRunner:
    """Runs queries, retries them when the database does not answer, and counts the running ones.

    Args:
        seconds: for how long a query is tried again after its first failure.
    """

    def __init__(self, seconds: float = RETRY_SECONDS) -> None:
        self._policy = RetryPolicy(first_pause=0.05, longest_pause=1.0, time_limit=seconds)
        self._closed = threading.Event()
        self._running = 0
        self._changed = threading.Condition()

    def run(self, name: str, query: Callable[[], T]) -> T:
        """The result of a query that may be run any number of times.

        Raises:
            EventLogUnavailable: the database did not answer in time, or ``close`` was called.
        """

        def failed(error: Exception, pause: float) -> None:
            log.warning("event database: %s: %s; again in %.2f s", name, error, pause)

        try:
            return retry(
                lambda: self.run_once(name, query),
                self._policy,
                on=Unreachable,
                clock=SystemClock(),
                stop=self._closed,
                failed=failed,
            )
        except Unreachable as error:
            raise EventLogUnavailable(f"{name}: {error}") from error

    def run_once(self, name: str, query: Callable[[], T]) -> T:
        """The result of a query.

        Raises:
            Unreachable: the database did not answer.
            EventLogUnavailable: ``close`` was called.
        """
        with self._counted(name):
            return query()

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed.is_set()

    def close(self) -> None:
        """Refuses further queries; returns when the running ones have ended.

        Connections may be closed then: to close one of SQLite's in the middle of a statement of
        another thread crashes the process.
        """
        self._closed.set()
        with self._changed:
            if not self._changed.wait_for(lambda: self._running == 0, _CLOSE_TIMEOUT):
                raise EventLogUnavailable("cannot close: the database does not answer")

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        with self._changed:
            if self._closed.is_set():
                raise EventLogUnavailable(f"{name}: the connection was closed")
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
