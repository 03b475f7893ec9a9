"""Times and intervals as clients write them (docs/api.md, "Times and intervals")."""

import re
from datetime import UTC, datetime, tzinfo

from domain.audits.schedule import Cron, seconds
from domain.kernel.errors import InvalidValue

LONGEST_INTERVAL = 36
"""Characters of an interval; a column of the API's schema."""

_WHOLE = re.compile(r"[0-9]+", re.ASCII)


def instant(field: str, text: str, zone: tzinfo | None) -> datetime:
    """The UTC instant that ISO 8601 text names.

    Args:
        field: name of the value in errors.
        text: date, optional time, optional offset.
        zone: the zone of text without an offset; None: the zone of this machine.

    Raises:
        InvalidValue: the text is not a time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidValue(field, f"must be an ISO 8601 time, not {text!r}") from None


def checked_interval(text: str, cron: Cron, now: datetime) -> str:
    """Checks an interval; returns it unchanged.

    Args:
        text: whole seconds, or a cron expression.
        cron: evaluates cron expressions; raises InvalidValue for an invalid one.
        now: UTC.

    Raises:
        InvalidValue: it is neither, or never falls due.
    """
    if len(text) > LONGEST_INTERVAL:
        raise InvalidValue("interval", f"must have at most {LONGEST_INTERVAL} characters")
    if _WHOLE.fullmatch(text):
        seconds(text)
    elif cron(text, now) is None:
        raise InvalidValue("interval", f"must match after {now.isoformat(timespec='seconds')}")
    return text
