"""Evaluates cron expressions, for ``domain.audits.schedule.Cron``."""

import re
from datetime import UTC, datetime

from croniter import CroniterError, croniter

from domain.kernel.errors import InvalidValue

FIELD = "interval"
"""The field that errors name."""

_RANDOM = re.compile(r"(^|[\s,])[rR](\(|/|[\s,]|$)")
"""A field to which croniter gives a random value: a due time must be deterministic."""


def next_match(expression: str, after: datetime) -> datetime:
    """The first instant strictly after another that an expression matches.

    Args:
        expression: five fields (or six, the last one seconds, or seven, with years), or an alias
            such as ``@daily``; evaluated in UTC.
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
    """Checks a cron expression.

    Raises:
        InvalidValue: it is no cron expression, or it never matches.
    """
    next_match(expression, datetime(2000, 1, 1, tzinfo=UTC))
