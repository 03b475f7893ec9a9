"""Maintenance windows: the times at which actions may begin."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class MaintenanceWindow:
    """A window that opens again and again.

    Attributes:
        opens: the first opening strictly after an instant, None if there is none. UTC.
        duration: for which it stays open.
    """

    opens: Callable[[datetime], datetime | None] = field(compare=False)
    duration: timedelta

    def is_open(self, now: datetime) -> bool:
        """Whether it has opened and not closed again."""
        opened = self.opens(now - self.duration)
        return opened is not None and opened <= now


def closed_until(windows: Iterable[MaintenanceWindow], now: datetime) -> datetime | None:
    """The next opening of any of the windows; None if there is none."""
    openings = (window.opens(now) for window in windows)
    return min((one for one in openings if one is not None), default=None)
