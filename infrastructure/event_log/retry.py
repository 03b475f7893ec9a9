import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from application.ports.event_log import EventLogUnavailable
from infrastructure.event_log.store import Unreachable

log = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS = 10.0
"""For how long a database that does not answer is asked again."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_LAST_ANSWERS = 60.0
"""Seconds to wait at the end for what is being answered: longer than any lock is waited for."""


class DatabaseRetryPolicy:
    """Asks a database again for a while if it does not answer, and knows when nobody asks.

    Args:
        seconds: how long after the first failure.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._over = threading.Event()
        self._asking = 0
        self._quiet = threading.Condition()

    def ask(self, what: str, question: Callable[[], T]) -> T:
        """The answer to a question that may be asked any number of times.

        Raises:
            EventLogUnavailable: it was not answered in time, or ``end`` was called.
        """
        deadline, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                return self.ask_once(what, question)
            except Unreachable as error:
                now = time.monotonic()
                deadline = deadline or now + self._seconds
                if now + pause > deadline:
                    raise EventLogUnavailable(f"{what}: {error}") from error
                log.warning("event database: %s: %s; again in %.2f s", what, error, pause)
            self._over.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

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
