from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.commands.times import checked_interval, instant
from domain.kernel.errors import InvalidValue
from infrastructure.cron import next_match

NOW = datetime(2026, 4, 6, 7, 27, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01T10:00:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01 10:00:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01T10:00:00Z", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("2026-12-01T10:00:00+05:00", datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("2026-12-01T10:00:00.250000+00:00", datetime(2026, 12, 1, 10, 0, 0, 250000, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 11, 30, 22, tzinfo=UTC)),
    ],
)
def test_text_names_an_instant(text: str, expected: datetime) -> None:
    assert instant("start_time", text, EAST) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "0001-01-01T00:00:00+14:00", "2026-12-01T25:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        instant("end_time", text, EAST)
    assert refusal.value.field == "end_time"


def test_without_a_zone_text_is_in_the_machines_own() -> None:
    text = "2026-12-01T10:00:00"
    assert instant("start_time", text, None) == datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    "text", ["1", "600", "*/5 * * * *", "@hourly", "0 0 29 2 *", "0 0 1 1 0 30"]
)
def test_intervals_are_kept_to_the_byte(text: str) -> None:
    assert checked_interval(text, next_match, NOW) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "bogus", "3.5", "-5", "0", "1_000", "+5", " 5", "60 60 * * *", "0 0 30 2 *"),
        *("9" * 36, "* " * 20, "R * * * *", "\u0663"),
    ],
)
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checked_interval(text, next_match, NOW)
    assert refusal.value.field == "interval"
