"""The machine's clock and randomness, and cron expressions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.commands.times import checked_interval
from domain.audits.schedule import next_due
from domain.kernel.errors import InvalidValue
from infrastructure.clock import RandomIds, SystemClock
from infrastructure.cron import next_match

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_clock_is_utc_and_its_monotonic_time_passes() -> None:
    clock = SystemClock()
    before, started = clock.now(), clock.monotonic()
    clock.sleep(0.01)
    assert before.utcoffset() == timedelta(0)
    assert clock.monotonic() - started >= 0.01
    assert clock.now() > before


def test_ids_are_fresh() -> None:
    ids = RandomIds()
    assert len({ids.new() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("*/5 * * * *", datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
        ("0 12 * * *", datetime(2026, 3, 2, 12, 0, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 * MAR FRI", datetime(2026, 3, 6, tzinfo=UTC)),
        ("@daily", datetime(2026, 3, 2, tzinfo=UTC)),
        ("* * * * * */10", datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)),
    ],
)
def test_the_first_match_lies_strictly_behind(expression: str, first: datetime) -> None:
    found = next_match(expression, NOON)
    assert found == first
    assert found.utcoffset() == timedelta(0)


def test_expressions_are_evaluated_in_utc_whatever_the_zone_of_the_instant() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert next_match("0 18 * * *", there) == datetime(2026, 3, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "x",
        "61 * * * *",
        "* * * *",
        "0 0 30 2 *",
        "R R * * *",
        "R/5 * * * *",
        "H H * * *",
        "* * * * 9",
    ],
)
def test_what_is_no_usable_expression_is_refused_with_its_field(expression: str) -> None:
    with pytest.raises(InvalidValue, match="interval: must"):
        checked_interval(expression, next_match, NOON)


def test_a_valid_expression_is_accepted() -> None:
    expression = "*/5 0-6 * * MON,FRI"
    assert checked_interval(expression, next_match, NOON) == expression


def test_the_schedule_of_an_audit_makes_up_for_missed_matches_once() -> None:
    last, now = NOON - timedelta(hours=5), NOON + timedelta(minutes=1)
    due = next_due("0 * * * *", last, now, next_match, since=last)
    assert due == NOON
