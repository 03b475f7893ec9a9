"""The options of section [limits], and what is said of invalid ones."""

from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.settings import SettingsError, load
from interfaces.bootstrap.pace import pace_limits


def test_all_limits_but_one_are_off_by_default() -> None:
    limits = pace_limits(load(files=[]).settings)
    assert (limits.total, limits.per_host, limits.hourly, limits.hourly_per_host) == (None,) * 4
    assert (limits.per_group, limits.cooldown, limits.windows) == (1, timedelta(), ())


def test_windows_are_read_with_their_zone() -> None:
    flags = {
        "limits.maintenance_windows": "0 22 * * 1-5 for 8h; 0 0 1,15 * * for 1d12h30m;",
        "limits.time_zone": "Europe/Berlin",
        "limits.server_cooldown": "600",
        "limits.migrations_per_hour": "20",
    }
    limits = pace_limits(load(flags=flags, files=[]).settings)
    assert (limits.hourly, limits.cooldown) == (20, timedelta(minutes=10))
    nightly, fortnightly = limits.windows
    assert nightly.duration == timedelta(hours=8)
    assert fortnightly.duration == timedelta(days=1, hours=12, minutes=30)
    monday = datetime(2026, 7, 6, 12, tzinfo=UTC)
    assert nightly.opens(monday) == datetime(2026, 7, 6, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("maintenance_windows", "0 22 * * *", "write CRON for DURATION"),
        ("maintenance_windows", "0 22 * * * for 8", "write CRON for DURATION"),
        ("maintenance_windows", "0 22 * * * for 0m", "the duration must be 1m to 7d"),
        ("maintenance_windows", "0 22 * * * for 8d", "the duration must be 1m to 7d"),
        (
            "maintenance_windows",
            "0 22 * * 1-5 for 8h; 0 99 * * * for 1h",
            "'0 99 \\* \\* \\* for 1h'",
        ),
        ("maintenance_windows", "0 0 31 2 * for 1h", "this window never opens"),
        ("maintenance_windows", ";", "CRON for DURATION"),
        ("time_zone", "Mars/Olympus", "the name of a time zone"),
        ("server_cooldown", "604801", "a whole number from 0 to 604800"),
        ("migrations_per_hour", "-1", "a whole number, at least 0"),
    ],
)
def test_an_invalid_limit_is_refused_and_named(option: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        load(flags={f"limits.{option}": text}, files=[])
    assert f"[limits] {option}" in str(refused.value)


def test_the_text_of_windows_is_the_same_after_parsing() -> None:
    """Roles get their options as texts."""
    text = "0 22 * * 1-5 for 8h; 0 0 * * 6 for 2d"
    loaded = load(flags={"limits.maintenance_windows": text}, files=[])
    assert loaded.environment()["VIGIL_LIMITS_MAINTENANCE_WINDOWS"] == text
