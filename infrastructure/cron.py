"""Cron expressions, as ``domain.audits.schedule.Cron`` wants them evaluated."""

import re
from datetime import UTC, datetime

from croniter import CroniterError, croniter

from domain.kernel.errors import InvalidValue

FIELD = "interval"
"""The field that refusals name."""

_RANDOM = re.compile(r"(^|[\s,])[rR](\(|/|[\s,]|$)")
"""A field that croniter would draw by lot: a due time must be a function of the schedule."""


def next_match(expression: str, after: datetime) -> datetime:
    """The first instant strictly after another that an expression matches.

    Args:
        expression: five fields (or six, the last one seconds, or seven, with years), or ``@daily``
            and its like; evaluated in UTC.
        after: timezone-aware.

    Returns:
        UTC.

    Raises:
        InvalidValue: it is no cron expression, or it never matches.
    """
    if _RANDOM.search(expression):
        raise InvalidValue(FIELD, f"must not be random: {expression!r}")
    try:
        found: datetime = croniter(expression, after.astimezone(UTC)).get_next(datetime)
    except CroniterError as error:
        raise InvalidValue(
            FIELD, f"must be seconds or a cron expression that matches sometime: {error}"
        ) from error
    return found


def validate(expression: str) -> None:
    """Refuses what is no usable cron expression.

    Raises:
        InvalidValue: it is no cron expression, or it never matches.
    """
    next_match(expression, datetime(2000, 1, 1, tzinfo=UTC))
