"""Evaluates cron expressions, for ``domain.audits.schedule.Cron``."""

import re
from copy import copy
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from croniter import CroniterBadDateError, CroniterError, croniter

from domain.kernel.errors import InvalidValue

FIELD = "interval"
"""The field that errors name."""

_RANDOM = re.compile(r"(^|[\s,])[rR](\(|/|[\s,]|$)")
"""A field to which croniter gives a random value: a due time must be deterministic."""


def next_match(expression: str, after: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The first instant strictly after another that an expression matches.

    Args:
        expression: five fields (or six, the last one seconds, or seven, with years), or an alias
            such as ``@daily``.
        after: timezone-aware.
        zone: whose wall clock it is evaluated by.

    Returns:
        UTC; None if it has no match in the fifty years after the instant.

    Raises:
        InvalidValue: it is no cron expression.
    """
    if _RANDOM.search(expression):
        raise InvalidValue(FIELD, f"must not be random: {expression!r}")
    try:
        # by the wall clock, as if it were UTC: croniter's own zones are off when clocks change
        matches = copy(_parsed(expression))
        matches.set_current(after.astimezone(zone).replace(tzinfo=UTC))
        found = after
        while found <= after:  # the second time in the hour that is repeated in autumn
            wall: datetime = matches.get_next(datetime)
            found = wall.replace(tzinfo=zone).astimezone(UTC)
    except (CroniterBadDateError, OverflowError):
        return None
    except CroniterError as error:
        raise InvalidValue(FIELD, f"must be seconds or a cron expression: {error}") from error
    except ValueError:  # the year 10000
        return None
    return found


@lru_cache(maxsize=256)
def _parsed(expression: str) -> croniter:
    """An expression, parsed: more than half of the work of a search. Copy it before use."""
    return croniter(expression, 0.0)
