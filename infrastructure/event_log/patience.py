import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from application.ports.event_log import EventLogUnavailable
from infrastructure.event_log.store import Unreachable

log = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS = 10.0
"""For how long a database that does not answer is asked again."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class Patience:
    """Asks a database again for a while if it does not answer.

    Args:
        seconds: how long after the first failure.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._over = threading.Event()

    def ask(self, what: str, question: Callable[[], T]) -> T:
        """The answer to a question that may be asked any number of times.

        Raises:
            EventLogUnavailable: it was not answered in time, or ``end`` was called.
        """
        deadline, pause = 0.0, _FIRST_PAUSE
        while not self._over.is_set():
            try:
                return question()
            except Unreachable as error:
                now = time.monotonic()
                deadline = deadline or now + self._seconds
                if now + pause > deadline:
                    raise EventLogUnavailable(f"{what}: {error}") from error
                log.warning("event database: %s: %s; again in %.2f s", what, error, pause)
            self._over.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise EventLogUnavailable(f"{what}: the connection was closed")

    @property
    def over(self) -> bool:
        """Whether nothing is asked any more."""
        return self._over.is_set()

    def end(self) -> None:
        """Nothing is asked any more."""
        self._over.set()
