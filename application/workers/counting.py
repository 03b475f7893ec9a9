"""Counts what a process does, for others to see; never in the way of the work."""

import logging
import threading
from collections.abc import Iterable

from application.ports.clock import Clock
from application.ports.counters import CounterBoard, EventCount
from application.ports.projections import StoreUnavailable

log = logging.getLogger(__name__)

NOTIFICATION = "notification"
"""Messages of the bus, by event type: what became of each before it was acknowledged."""
FACT = "notification-fact"
"""What they told, by kind of model."""
ADMITTED = "admitted"
"""The outcome of a fact that counts; one that does not has the reason as its outcome."""

Key = tuple[str, str, str]


class CountBuffer:
    """Gathers counts in memory and adds them to the board at intervals. Any thread may count.

    Args:
        board: where they are added.
        clock: tells when something was counted.
        interval: seconds between additions; so much is lost when the process is killed.
    """

    def __init__(self, board: CounterBoard, clock: Clock, *, interval: float = 5.0) -> None:
        self._board = board
        self._clock = clock
        self._interval = interval
        self._lock = threading.Lock()
        self._new: dict[Key, EventCount] = {}

    def note(self, what: str, of: str, outcome: str, count: int = 1) -> None:
        """Counts something."""
        if count:
            self._join([EventCount(what, of, outcome, count, self._clock.now())])

    def flush(self) -> None:
        """Adds what is new; while the board is away it is kept for the next time."""
        with self._lock:
            new, self._new = self._new, {}
        if not new:
            return
        try:
            self._board.add(list(new.values()))
        except StoreUnavailable as outage:
            log.warning("counts wait, again in %s s: %s", self._interval, outage)
            self._join(new.values())

    def run(self, stop: threading.Event) -> None:
        """Adds until told to stop, and once more then."""
        while not stop.wait(self._interval):
            self._flush_whatever_comes()
        self._flush_whatever_comes()

    def _flush_whatever_comes(self) -> None:
        try:
            self.flush()
        except Exception:
            log.exception("some counts are lost; the work they count goes on")

    def _join(self, counted: Iterable[EventCount]) -> None:
        with self._lock:
            for one in counted:
                key = one.what, one.of, one.outcome
                before = self._new.get(key)
                count = one.count + (before.count if before else 0)
                last = max(one.last, before.last) if before else one.last
                self._new[key] = EventCount(*key, count, last)
