"""Moments of the past as log positions."""

from datetime import datetime, timedelta

from application.ports.event_log import MalformedEntry, Moment, ReadOnlyLog, RecordedEvent

SKEW = timedelta(minutes=10)
"""By how much the clocks of two hosts may differ."""
PAGE = 500
"""Events read at a time."""


def position_at(log: ReadOnlyLog, moment: Moment) -> int:
    """The last position up to a moment, 0 if there is none.

    For a time: that of the last event which is not later. It is found by halving the log, which
    needs times that rise with the positions, but for ``SKEW``.
    """
    if isinstance(moment, int):
        return min(moment, log.end())
    low, high = 0, log.end()
    while low < high:  # what is after ``high`` is later than the moment, in spite of the skew
        middle = (low + high) // 2
        entry = _next_readable(log, middle)
        if entry is None or entry.event.timestamp > moment + SKEW:
            high = middle
        else:
            low = max(middle + 1, entry.position)
    return _last_before(log, high, moment)


def _next_readable(log: ReadOnlyLog, after: int) -> RecordedEvent | None:
    while page := log.read(after, 1):
        (entry,) = page
        if not isinstance(entry, MalformedEntry):
            return entry
        after = entry.position
    return None


def _last_before(log: ReadOnlyLog, upto: int, moment: datetime) -> int:
    while upto > 0:
        after = max(0, upto - PAGE)
        for entry in reversed(log.read(after, upto - after)):
            is_readable = isinstance(entry, RecordedEvent) and entry.position <= upto
            if is_readable and entry.event.timestamp <= moment:  # type: ignore[union-attr]
                return entry.position
        upto = after
    return 0
