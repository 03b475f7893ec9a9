"""Limits over all plans and appliers (docs/limits.md). All are off by default but one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.kernel.errors import InvalidValue
from infrastructure.cron import next_match
from infrastructure.settings.option_types import Integer, RuleBroken
from infrastructure.settings.options import option

WEEK = 7 * 24 * 3600
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_WINDOW = re.compile(r"(?P<cron>.+?) for (?P<duration>(\d+[mhd])+)")


def windows_of(text: str) -> list[tuple[str, timedelta]]:
    """The cron expressions and durations of maintenance windows.

    Raises:
        ValueError: one of them is invalid; the message says which.
    """
    found = []
    for one in filter(None, (part.strip() for part in text.split(";"))):
        matched = _WINDOW.fullmatch(one)
        if matched is None:
            raise RuleBroken(f"{one!r}: write CRON for DURATION, such as 0 22 * * 1-5 for 8h")
        parts = re.findall(r"(\d+)([mhd])", matched["duration"])
        duration = timedelta(**{_UNITS[unit]: int(count) for count, unit in parts})
        if not timedelta(minutes=1) <= duration <= timedelta(seconds=WEEK):
            raise RuleBroken(f"{one!r}: the duration must be 1m to 7d")
        try:
            opening = next_match(matched["cron"], datetime(2026, 1, 1, tzinfo=UTC))
        except InvalidValue as error:
            raise RuleBroken(f"{one!r}: {error.rule}") from None
        if opening is None:
            raise RuleBroken(f"{one!r}: this window never opens")
        found.append((matched["cron"], duration))
    return found


class Windows:
    """Maintenance windows, as a text."""

    type_name = "CRON for DURATION, several separated by semicolons"

    def __call__(self, value: Any) -> str:
        """Returns the text."""
        if not windows_of(str(value)):
            raise ValueError(value)
        return str(value)


class Zone:
    """The name of a time zone."""

    type_name = "the name of a time zone, such as UTC or Europe/Berlin"

    def __call__(self, value: Any) -> str:
        """Returns the name."""
        zone_of(str(value))
        return str(value)


def zone_of(name: str) -> tzinfo:
    """The time zone with a name.

    Raises:
        ValueError: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(name) from error


@dataclass(frozen=True)
class LimitSettings:
    """Limits over all plans and appliers. A plan that waits says for what and until when."""

    migrations_per_hour: int = option(
        "limits.migrations_per_hour",
        Integer(0),
        0,
        "Most migrations that begin within an hour; 0: no limit.",
    )
    migrations_per_hour_per_host: int = option(
        "limits.migrations_per_hour_per_host",
        Integer(0),
        0,
        "Most migrations to or from one host that begin within an hour; 0: no limit.",
    )
    migrations_per_server_group: int = option(
        "limits.migrations_per_server_group",
        Integer(0),
        1,
        "Most members of one server group that are migrated at once; 0: no limit.",
    )
    server_cooldown: int = option(
        "limits.server_cooldown",
        Integer(0, WEEK),
        0,
        "Least seconds between the end of a migration of a server and the beginning of its next "
        "one, also in another plan. A failed migration does not count.",
    )
    maintenance_windows: str | None = option(
        "limits.maintenance_windows",
        Windows(),
        None,
        "Times at which actions may begin, for example `0 22 * * 1-5 for 8h; 0 0 * * 6 for 2d`: "
        "when a window opens (a cron expression) and for how long (m, h, d). Actions that are in "
        "progress when it closes finish. Not set: at any time.",
    )
    time_zone: str = option(
        "limits.time_zone",
        Zone(),
        "UTC",
        "Time zone of maintenance_windows.",
    )
