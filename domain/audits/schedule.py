"""When runs of a continuous audit are due, from its interval and its last due time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.kernel.errors import InvalidValue

Cron = Callable[[str, datetime], datetime | None]
"""Evaluates a cron expression: the first match strictly after an instant (UTC), None if it has no
later one."""
LONGEST_PERIOD = 10 * 366 * 24 * 3600
"""Longest interval, seconds (ten years); keeps due times representable."""
FIRST_WINDOW = timedelta(minutes=1)
"""Length of the first period before now that is searched for the latest cron match."""


def seconds(interval: str) -> int | None:
    """Returns the interval in seconds, None if it is not a number.

    Raises:
        InvalidValue: it is a number below 1 or above ``LONGEST_PERIOD``.
    """
    try:
        value = int(interval)
    except ValueError:
        return None
    if not 1 <= value <= LONGEST_PERIOD:
        raise InvalidValue("interval", f"must be 1 to {LONGEST_PERIOD} seconds, not {interval}")
    return value


def following(last: datetime | None, now: datetime) -> datetime:
    """The due time of a run requested now; after the last one even if the clock was set back."""
    return now if last is None or last < now else last + timedelta(microseconds=1)


def counts_from(made: datetime, start: datetime | None) -> datetime:
    """The time after which the first cron match counts.

    Args:
        made: when the audit was requested.
        start: its start time; a match at exactly this time counts.
    """
    return made if start is None else max(made, start - timedelta.resolution)


def next_due(
    interval: str, last: datetime | None, now: datetime, cron: Cron, *, since: datetime
) -> datetime | None:
    """The next due time; if runs were missed, one of them is made up.

    Args:
        interval: seconds or a cron expression.
        last: due time of the last run, None before the first.
        now: UTC.
        cron: evaluates cron expressions.
        since: the result of ``counts_from``, for cron expressions before the first run.

    Returns:
        For seconds: now before the first run, afterwards the latest grid point that is not after
        ``now`` if one was missed, else the next one. For cron the same on its own grid; None after
        the last match.

    Raises:
        InvalidValue: the interval cannot be used.
    """
    period = seconds(interval)
    if period is None:
        return _next_match(interval, since if last is None else last, now, cron)
    if last is None:
        return now
    step = timedelta(seconds=period)
    missed = (now - last) // step
    return last + step * max(1, missed)


def upcoming(
    interval: str,
    last: datetime | None,
    now: datetime,
    cron: Cron,
    *,
    made: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> datetime | None:
    """The first due time after ``now``, as audits show it.

    Args:
        interval: seconds or a cron expression.
        last: due time of the last run, None before the first.
        now: UTC.
        cron: evaluates cron expressions.
        made: when the audit was requested.
        start: the first run is due then or later.
        end: no run is due then or later.

    Returns:
        None if the first run is due at once, if there is no later run, or if the interval cannot be
        used.
    """
    try:
        period = seconds(interval)
        if period is None:
            after = counts_from(made, start) if last is None else last
            due = cron(interval, max(after, now))
        elif last is None:
            due = start if start is not None and start > now else None
        else:
            step = timedelta(seconds=period)
            due = last + step * max(1, (now - last) // step + 1)
    except (InvalidValue, OverflowError):
        return None
    return due if due is None or end is None or due < end else None


def _next_match(expression: str, after: datetime, now: datetime, cron: Cron) -> datetime | None:
    first = cron(expression, after)
    if first is None or first > now:
        return first
    window = FIRST_WINDOW  # search backwards: a year can have half a million matches
    while (start := now - window) > first:
        found = cron(expression, start)
        if found is not None and found <= now:
            return _latest(expression, found, now, cron)
        window *= 2
    return _latest(expression, first, now, cron)


def _latest(expression: str, due: datetime, now: datetime, cron: Cron) -> datetime:
    while (later := cron(expression, due)) is not None and later <= now:
        due = later
    return due
