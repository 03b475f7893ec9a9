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

SECONDS = 10.0
"""For how long a database that does not answer is asked again."""
_LAST_ANSWERS = 60.0
"""Seconds to wait at the end for what is being answered: longer than any lock is waited for."""


class DatabaseRetryPolicy:
    """Asks a database again for a while if it does not answer, and knows when nobody asks.

    Args:
        seconds: how long after the first failure.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._policy = RetryPolicy(first_pause=0.05, longest_pause=1.0, time_limit=seconds)
        self._over = threading.Event()
        self._asking = 0
        self._quiet = threading.Condition()

    def ask(self, what: str, question: Callable[[], T]) -> T:
        """The answer to a question that may be asked any number of times.

        Raises:
            EventLogUnavailable: it was not answered in time, or ``end`` was called.
        """

        def failed(error: Exception, pause: float) -> None:
            log.warning("event database: %s: %s; again in %.2f s", what, error, pause)

        try:
            return retry(
                lambda: self.ask_once(what, question),
                self._policy,
                on=Unreachable,
                clock=SystemClock(),
                stop=self._over,
                failed=failed,
            )
        except Unreachable as error:
            raise EventLogUnavailable(f"{what}: {error}") from error

    def ask_once(self, what: str, question: Callable[[], T]) -> T:
        """The answer to a question.

        Raises:
            Unreachable: it was not answered.
            EventLogUnavailable: ``end`` was called.
        """
        with self._counted(what):
            return question()

    @property
    def over(self) -> bool:
        """Whether nothing is asked any more."""
        return self._over.is_set()

    def end(self) -> None:
        """Nothing is asked any more; returns when what is being asked has been answered.

        Connections may be closed then: to close one of SQLite's in the middle of a statement of
        another thread crashes the process.
        """
        self._over.set()
        with self._quiet:
            if not self._quiet.wait_for(lambda: self._asking == 0, _LAST_ANSWERS):
                raise EventLogUnavailable("cannot close: the database does not answer")

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        with self._quiet:
            if self._over.is_set():
                raise EventLogUnavailable(f"{what}: the connection was closed")
            self._asking += 1
        try:
            yield
        finally:
            with self._quiet:
                self._asking -= 1
                self._quiet.notify_all()
