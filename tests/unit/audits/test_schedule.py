from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audits.schedule import Cron, counts_from, next_due, seconds, upcoming
from domain.kernel.errors import InvalidValue
from infrastructure.cron import next_match
from tests.given import NOON


def due_at(
    interval: str, last: datetime | None, now: datetime, cron: Cron, *, since: datetime
) -> datetime:
    """The next due time, which there must be."""
    found = next_due(interval, last, now, cron, since=since)
    assert found is not None
    return found


def match_after(expression: str, after: datetime) -> datetime:
    """The next match, which there must be."""
    found = next_match(expression, after)
    assert found is not None
    return found


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
    due = due_at(str(period), NOON, now, every_five_minutes, since=NOON)
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
    due = match_after(expression, max(NOON, now - timedelta(days=1)))
    if due > now:
        due = match_after(expression, NOON)
    while (later := match_after(expression, due)) <= now:
        due = later
    assert next_due(expression, NOON, now, next_match, since=NOON) == due


def test_a_year_of_missed_matches_is_not_walked_through() -> None:
    """An audit of each minute that had been suspended for a year held up all others for a while:
    half a million matches were evaluated at its first tick, and nothing else was looked at."""
    asked: list[datetime] = []

    def counted(expression: str, after: datetime) -> datetime:
        asked.append(after)
        return match_after(expression, after)

    now = NOON + timedelta(days=365, seconds=30)
    assert next_due("* * * * *", NOON, now, counted, since=NOON) == now - timedelta(seconds=30)
    assert len(asked) < 100


ONCE = "24 6 28 11 * 0 2026"
"""Matches once: at 06:24 on 28 November 2026."""
MATCH = datetime(2026, 11, 28, 6, 24, tzinfo=UTC)


@pytest.mark.parametrize("late", [0, 1, 59, 3600, 10_000_000])
def test_a_cron_expression_with_a_year_is_due_at_its_last_match(late: int) -> None:
    """The search for the latest missed match ended with an error behind the last one: the run
    was never requested, and only the log said so."""
    now = MATCH + timedelta(seconds=late)
    assert next_due(ONCE, None, now, next_match, since=NOON) == MATCH


@pytest.mark.parametrize("late", [0, 1, 10_000_000])
def test_after_the_last_match_of_a_cron_expression_no_run_is_due(late: int) -> None:
    now = MATCH + timedelta(seconds=late)
    assert next_due(ONCE, MATCH, now, next_match, since=NOON) is None
    assert next_due(ONCE, None, now, next_match, since=MATCH) is None


def test_the_last_of_several_missed_matches_is_made_up_for_also_if_it_is_the_last_of_all() -> None:
    now = MATCH + timedelta(days=2000)
    every_year = "24 6 28 11 * 0 2026-2028"
    due = next_due(every_year, None, now, next_match, since=NOON)
    assert due == MATCH.replace(year=2028)


def test_a_match_beyond_the_last_representable_time_is_none() -> None:
    latest = datetime.max.replace(tzinfo=UTC)
    assert next_match("* * * * *", latest) is None


@pytest.mark.parametrize("interval", [str(10 * 366 * 24 * 3600 + 1), "9" * 30])
def test_an_interval_that_no_clock_reaches_names_its_field(interval: str) -> None:
    """Its due time overflowed: the scheduler's look at all audits failed."""
    with pytest.raises(InvalidValue, match="interval"):
        next_due(interval, NOON, NOON, next_match, since=NOON)


def shown(
    interval: str, now: datetime, last: datetime | None = None, **limits: datetime
) -> datetime | None:
    return upcoming(interval, last, now, next_match, made=NOON, **limits)


@pytest.mark.parametrize("late", [0, 1, 59, 60, 61, 600])
def test_the_next_run_of_an_audit_is_in_the_future(late: int) -> None:
    """While a run was longer than its interval, the next one was shown ten minutes in the past."""
    now = NOON + timedelta(seconds=late)
    for interval in ("60", "* * * * *"):
        due = shown(interval, now, NOON)
        assert due == NOON + timedelta(minutes=late // 60 + 1)


def test_before_its_first_run_an_audit_by_seconds_shows_its_start_time() -> None:
    start = NOON + timedelta(hours=1)
    assert shown("60", NOON, start=start) == start
    assert shown("60", start, start=start) is None, "due at once"
    assert shown("60", NOON) is None, "due at once"


def test_an_audit_has_no_next_run_at_or_after_its_end_time() -> None:
    minute = timedelta(minutes=1)
    for interval in ("60", "* * * * *"):
        assert shown(interval, NOON, NOON, end=NOON + minute) is None
        later = NOON + minute + timedelta(microseconds=1)
        assert shown(interval, NOON, NOON, end=later) == NOON + minute
    assert shown("60", NOON, start=NOON + minute, end=NOON + minute) is None


def test_an_audit_has_no_next_run_after_the_last_match_of_its_expression() -> None:
    assert shown(ONCE, NOON) == MATCH
    assert shown(ONCE, MATCH, MATCH) is None
    assert shown(ONCE, MATCH) is None


def test_an_audit_with_an_unusable_interval_has_no_next_run() -> None:
    for interval in ("bogus", "0", "9" * 30):
        assert shown(interval, NOON, NOON) is None
