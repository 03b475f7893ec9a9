from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audits.schedule import counts_from, next_due, seconds
from domain.kernel.errors import InvalidValue
from infrastructure.cron import next_match
from tests.given import NOON


def every_five_minutes(_: str, after: datetime) -> datetime:
    slot = after.replace(second=0, microsecond=0, minute=after.minute - after.minute % 5)
    return slot + timedelta(minutes=5)


def test_the_first_run_is_due_at_once() -> None:
    assert next_due("60", None, NOON, every_five_minutes, since=NOON) == NOON


def test_the_next_run_is_one_period_after_the_last_due_time() -> None:
    now = NOON + timedelta(seconds=20)
    assert next_due("60", NOON, now, every_five_minutes, since=NOON) == NOON + timedelta(seconds=60)


def test_missed_runs_are_made_up_for_once() -> None:
    now = NOON + timedelta(seconds=601)
    assert next_due("60", NOON, now, every_five_minutes, since=NOON) == NOON + timedelta(
        seconds=600
    )


def test_a_missed_cron_match_is_made_up_for_once() -> None:
    now = NOON + timedelta(minutes=17)
    assert next_due("*/5 * * * *", NOON, now, every_five_minutes, since=NOON) == NOON + timedelta(
        minutes=15
    )


def test_a_cron_audit_waits_for_its_first_match() -> None:
    now = NOON + timedelta(minutes=1)
    due = next_due("*/5 * * * *", None, now, every_five_minutes, since=NOON)
    assert due == NOON + timedelta(minutes=5)


@pytest.mark.parametrize("late", [0, 1, 200])
def test_the_first_match_comes_due(late: int) -> None:
    """Counted from each look anew it lay in the future for ever: a cron audit never ran."""
    now = NOON + timedelta(minutes=5, seconds=late)
    due = next_due("*/5 * * * *", None, now, every_five_minutes, since=NOON)
    assert due == NOON + timedelta(minutes=5)


def test_a_match_at_the_very_start_time_counts() -> None:
    """`0 12 * * *` from noon on began a day late."""
    made = NOON - timedelta(hours=1)
    since = counts_from(made, NOON)
    assert next_due("0 12 * * *", None, NOON, next_match, since=since) == NOON
    assert counts_from(made, None) == made
    assert counts_from(made, made - timedelta(days=1)) == made


@pytest.mark.parametrize("interval", ["0", "-5"])
def test_an_interval_below_one_second_names_its_field(interval: str) -> None:
    with pytest.raises(InvalidValue, match="interval"):
        seconds(interval)


@given(period=st.integers(1, 10_000), late=st.floats(0, 1e7))
def test_due_times_lie_on_the_grid_of_the_definition(period: int, late: float) -> None:
    now = NOON + timedelta(seconds=late)
    due = next_due(str(period), NOON, now, every_five_minutes, since=NOON)
    assert (due - NOON) % timedelta(seconds=period) == timedelta(0)
    assert due > NOON
    assert due - now <= timedelta(seconds=period)


EXPRESSIONS = ("* * * * *", "*/7 3-5 * * *", "0 4 * * 1", "30 6 1 * *", "* * 29 2 *")


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("late", [0.5, 59, 3599, 3601, 40_000, 3_000_000])
def test_the_latest_missed_match_is_the_one_that_a_walk_through_all_would_find(
    expression: str, late: float
) -> None:
    now = NOON + timedelta(seconds=late)
    # if there is a match on the last day, a walk through that day ends at the same one
    due = next_match(expression, max(NOON, now - timedelta(days=1)))
    if due > now:
        due = next_match(expression, NOON)
    while (later := next_match(expression, due)) <= now:
        due = later
    assert next_due(expression, NOON, now, next_match, since=NOON) == due


def test_a_year_of_missed_matches_is_not_walked_through() -> None:
    """An audit of each minute that had been suspended for a year held up all others for a while:
    half a million matches were evaluated at its first tick, and nothing else was looked at."""
    asked: list[datetime] = []

    def counted(expression: str, after: datetime) -> datetime:
        asked.append(after)
        return next_match(expression, after)

    now = NOON + timedelta(days=365, seconds=30)
    assert next_due("* * * * *", NOON, now, counted, since=NOON) == now - timedelta(seconds=30)
    assert len(asked) < 100
