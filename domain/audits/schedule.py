"""When a continuous audit is due: a pure function of its definition and its last due time."""

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.kernel.errors import InvalidValue

Cron = Callable[[str, datetime], datetime]
"""Evaluates a cron expression: the first match strictly after an instant (UTC)."""
FIRST_WINDOW = timedelta(minutes=1)
"""How far back the latest match of a cron expression is looked for at first."""


def seconds(interval: str) -> int | None:
    """The interval as whole seconds, None if it is not a number.

    Raises:
        InvalidValue: it is a number below 1.
    """
    try:
        value = int(interval)
    except ValueError:
        return None
    if value < 1:
        raise InvalidValue("interval", "must be at least 1 second")
    return value


def following(last: datetime | None, now: datetime) -> datetime:
    """The due time of a run that is wanted now; after the last one even if clocks were set back."""
    return now if last is None or last < now else last + timedelta(microseconds=1)


def counts_from(made: datetime, start: datetime | None) -> datetime:
    """After which instant matches of a cron expression count, before the first run.

    Args:
        made: when the audit was requested.
        start: its start time; a match at that very instant counts.
    """
    return made if start is None else max(made, start - timedelta.resolution)


def next_due(
    interval: str, last: datetime | None, now: datetime, cron: Cron, *, since: datetime
) -> datetime:
    """The next due time; a late one is made up for once, however many were missed.

    Args:
        interval: seconds or a cron expression.
        last: due time of the last run, None before the first.
        now: UTC.
        cron: evaluates cron expressions.
        since: what ``counts_from`` says. (A first match after ``now`` would never come due.)

    Returns:
        For seconds: now before the first run, afterwards the latest grid point that is not after
        ``now`` if one was missed, else the next one. For cron the same on its own grid.
    """
    period = seconds(interval)
    if period is None:
        return _next_match(interval, since if last is None else last, now, cron)
    if last is None:
        return now
    step = timedelta(seconds=period)
    missed = (now - last) // step
    return last + step * max(1, missed)


def _next_match(expression: str, after: datetime, now: datetime, cron: Cron) -> datetime:
    first = cron(expression, after)
    if first > now:
        return first
    window = FIRST_WINDOW  # looked at backwards: after a year there may be half a million matches
    while (start := now - window) > first:
        found = cron(expression, start)
        if found <= now:
            return _latest(expression, found, now, cron)
        window *= 2
    return _latest(expression, first, now, cron)


def _latest(expression: str, due: datetime, now: datetime, cron: Cron) -> datetime:
    while (later := cron(expression, due)) <= now:
        due = later
    return due
