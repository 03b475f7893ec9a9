"""Clocks for tests."""

from datetime import datetime

from infrastructure.clock import SystemClock


class FixedClock(SystemClock):
    """The wall clock stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Always the same time."""
        return self._now


class RecordingClock(SystemClock):
    """Sleeps do not block: their lengths are recorded.

    Attributes:
        pauses: seconds of each sleep so far.
    """

    def __init__(self, pauses: list[float] | None = None) -> None:
        self.pauses: list[float] = [] if pauses is None else pauses

    def sleep(self, seconds: float) -> None:
        """Records a pause."""
        self.pauses.append(seconds)


class SkippingClock(RecordingClock):
    """As ``RecordingClock``; its monotonic time passes only by sleeping."""

    def monotonic(self) -> float:
        """Seconds slept so far."""
        return sum(self.pauses)
