"""Counts what a process does, for ``/metrics``; a failure never stops the work that is counted."""

import logging
import threading
from collections.abc import Iterable

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.ports.counters import CounterBoard, EventCount

log = logging.getLogger(__name__)

NOTIFICATION = "notification"
"""Counts messages of the bus, by event type and outcome."""
FACT = "notification-fact"
"""Counts the facts in them, by kind of model and outcome."""
SENT_NOTIFICATION = "sent-notification"
"""Counts notifications of Vigil's own, by transport and outcome."""
ADMITTED = "admitted"
"""The outcome of a fact that is used; the outcome of any other is the reason why it is not."""

Key = tuple[str, str, str]


class CountBuffer:
    """Collects counts in memory and saves them at an interval. Any thread may count.

    Args:
        board: stores the counts.
        clock: for the time of each count.
        interval: seconds between two saves; a killed process loses the counts of that time.
    """

    def __init__(self, board: CounterBoard, clock: Clock, *, interval: float = 5.0) -> None:
        self._board = board
        self._clock = clock
        self._lock = threading.Lock()
        self._new: dict[Key, EventCount] = {}
        self._job = PeriodicJob(
            log,
            "event counts are not saved",
            self._save,
            interval=interval,
            clock=clock,
            first=interval,
        )

    def note(self, what: str, of: str, outcome: str, count: int = 1) -> None:
        """Adds to a count."""
        if count:
            self._join([EventCount(what, of, outcome, count, self._clock.now())])

    def flush(self) -> None:
        """Saves new counts; keeps them for the next time if that fails."""
        self._job.attempt()

    def run(self, stop: threading.Event) -> None:
        """Saves counts until ``stop`` is set, and once more after that."""
        self._job.run(stop)
        self.flush()

    def _save(self) -> None:
        with self._lock:
            new, self._new = self._new, {}
        if not new:
            return
        try:
            self._board.add(list(new.values()))
        except Exception:
            self._join(new.values())
            raise

    def _join(self, counted: Iterable[EventCount]) -> None:
        with self._lock:
            for one in counted:
                key = one.what, one.of, one.outcome
                before = self._new.get(key)
                count = one.count + (before.count if before else 0)
                last = max(one.last, before.last) if before else one.last
                self._new[key] = EventCount(*key, count, last)
