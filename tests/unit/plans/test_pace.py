"""The limits over all plans: what may begin, until when it may not, and why."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans.action import ActionSpec
from domain.plans.pace import (
    GROUP_MIGRATES,
    HOST_MIGRATIONS_IN_PROGRESS,
    HOST_MIGRATIONS_PER_HOUR,
    HOUR,
    MIGRATIONS_IN_PROGRESS,
    MIGRATIONS_PER_HOUR,
    OUTSIDE_WINDOWS,
    SERVER_COOLS_DOWN,
    Hold,
    Migration,
    Pace,
    PaceLimits,
)
from domain.plans.parallelism import Parallelism
from domain.plans.windows import MaintenanceWindow
from infrastructure.cron import next_match
from infrastructure.settings.limits import zone_of
from tests.given import NOON, ident

MINUTE = timedelta(minutes=1)


def move(
    number: int,
    server: str = "",
    source: str = "a",
    destination: str = "b",
    *,
    groups: tuple[str, ...] = (),
    kind: str = "migrate",
) -> ActionSpec:
    parameters: dict[str, object] = {
        "resource_id": server or f"vm-{number}",
        "source_node": source,
        "destination_node": destination,
    }
    return ActionSpec(ident(number), kind, parameters, (), (), Cause(FREES_HOST), groups=groups)


def window(cron: str, duration: timedelta, zone: str = "UTC") -> MaintenanceWindow:
    return MaintenanceWindow(partial(next_match, cron, zone=zone_of(zone)), duration)


def reason(hold: Hold | None) -> str | None:
    return None if hold is None else hold.because.reason


def test_without_limits_everything_may_begin() -> None:
    pace = Pace(PaceLimits(), [Migration.of(move(1), NOON)])
    assert not PaceLimits().count_migrations
    assert pace.hold(move(2), NOON) is None


@pytest.mark.parametrize(
    ("limits", "earlier", "code", "until"),
    [
        (PaceLimits(total=1), move(1, source="x", destination="y"), MIGRATIONS_IN_PROGRESS, None),
        (PaceLimits(per_host=1), move(1, source="x"), HOST_MIGRATIONS_IN_PROGRESS, None),
        (PaceLimits(per_group=1), move(1, groups=("g", "h")), GROUP_MIGRATES, None),
        (PaceLimits(hourly=1), move(1, source="x", destination="y"), MIGRATIONS_PER_HOUR, HOUR),
        (PaceLimits(hourly_per_host=1), move(1, source="x"), HOST_MIGRATIONS_PER_HOUR, HOUR),
    ],
)
def test_a_limit_holds_back_what_exceeds_it_and_says_until_when(
    limits: PaceLimits, earlier: ActionSpec, code: str, until: timedelta | None
) -> None:
    pace = Pace(limits, [Migration.of(earlier, NOON)])
    hold = pace.hold(move(2, groups=("g",)), NOON + MINUTE)
    assert hold is not None
    assert hold.because.reason == code
    assert hold.until == (None if until is None else NOON + until)
    other = move(3, source="p", destination="q")
    is_wide = limits.total is not None or limits.hourly is not None
    assert (pace.hold(other, NOON + MINUTE) is None) is not is_wide
    assert pace.hold(move(4, kind="nop"), NOON) is None


def test_a_server_is_moved_again_only_after_its_cooldown() -> None:
    limits = PaceLimits(cooldown=10 * MINUTE)
    moved = Migration.of(move(1, "vm"), NOON)
    pace = Pace(limits, [moved])
    pace.end(moved, NOON + MINUTE)
    hold = pace.hold(move(2, "vm"), NOON + 2 * MINUTE)
    assert hold is not None
    assert (hold.because.reason, hold.until) == (SERVER_COOLS_DOWN, NOON + 11 * MINUTE)
    assert str(hold.because) == (
        "server vm was moved at 2026-04-06T12:01:00+00:00 and is not moved again before "
        "2026-04-06T12:11:00+00:00"
    ).replace("2026-04-06T12", f"{NOON:%Y-%m-%dT%H}")
    assert pace.hold(move(2, "vm"), NOON + 11 * MINUTE) is None
    assert pace.hold(move(3, "other"), NOON + 2 * MINUTE) is None


def test_the_latest_of_several_moves_begins_the_cooldown() -> None:
    """A move that began later but ended earlier replaced it."""
    spec = move(1, "vm")
    moves = [
        Migration(ident(number), "vm", frozenset("ab"), (), NOON + begin * MINUTE, ended)
        for number, begin, ended in (
            (1, 0, NOON + 40 * MINUTE),
            (2, 3, NOON + 10 * MINUTE),
            (3, 5, None),
        )
    ]
    hold = Pace(PaceLimits(cooldown=HOUR), moves).hold(spec, NOON + 41 * MINUTE)
    assert hold is not None
    assert hold.until == NOON + 100 * MINUTE


def test_a_failed_migration_counts_for_the_hour_but_starts_no_cooldown() -> None:
    spec = move(1, "vm")
    failed = Migration(spec.id, "vm", frozenset("ab"), (), NOON, NOON + MINUTE, moved=False)
    assert Pace(PaceLimits(cooldown=HOUR), [failed]).hold(move(2, "vm"), NOON + MINUTE) is None
    hold = Pace(PaceLimits(hourly=1), [failed]).hold(move(2, "vm"), NOON + MINUTE)
    assert reason(hold) == MIGRATIONS_PER_HOUR


def test_of_several_limits_the_longest_is_named() -> None:
    limits = PaceLimits(total=1, hourly=1, cooldown=HOUR)
    moved = Migration.of(move(1, "vm"), NOON)
    pace = Pace(limits, [moved])
    assert reason(pace.hold(move(2, "vm"), NOON)) == MIGRATIONS_PER_HOUR
    pace.end(moved, NOON + MINUTE)
    assert reason(pace.hold(move(2, "vm"), NOON + MINUTE)) == SERVER_COOLS_DOWN


def test_a_plans_limit_per_host_counts_the_migrations_of_all_plans() -> None:
    limits = PaceLimits(per_host=3)
    assert limits.within(Parallelism({}, {"migrate": 2})).per_host == 2
    assert limits.within(Parallelism({}, {"migrate": 4})).per_host == 3
    assert limits.within(Parallelism()).per_host == 3
    assert PaceLimits().within(Parallelism()).per_host is None


def test_outside_of_its_windows_nothing_begins_but_what_restores() -> None:
    limits = PaceLimits(windows=(window("0 22 * * *", 8 * HOUR), window("0 12 * * 6", HOUR)))
    at = datetime(2026, 4, 6, 21, 59, tzinfo=UTC)  # a Monday
    pace = Pace(limits)
    hold = pace.hold(move(1, kind="nop"), at)
    assert hold is not None
    assert hold.everything
    assert str(hold.because) == (
        "no maintenance window is open; the next one opens at 2026-04-06T22:00:00+00:00"
    )
    assert pace.hold(move(1, kind="nop"), at, restores=True) is None
    assert pace.hold(move(1), at + MINUTE) is None
    assert pace.hold(move(1), at + 8 * HOUR) is None
    assert reason(pace.hold(move(1), at + 8 * HOUR + MINUTE)) == OUTSIDE_WINDOWS


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-28T20:59:00+00:00", False),  # 21:59 in Berlin, winter
        ("2026-03-28T21:00:00+00:00", True),
        ("2026-03-29T03:59:00+00:00", False),  # opened for six hours of real time
        ("2026-03-29T02:59:00+00:00", True),
        ("2026-03-29T20:00:00+00:00", True),  # 22:00, summer
        ("2026-03-29T19:59:00+00:00", False),
        ("2026-10-24T20:00:00+00:00", True),  # the last evening of summer
        ("2026-10-25T01:59:00+00:00", True),
        ("2026-10-25T02:00:00+00:00", False),
    ],
)
def test_a_window_follows_the_wall_clock_of_its_zone(at: str, is_open: bool) -> None:
    berlin = window("0 22 * * *", 6 * HOUR, "Europe/Berlin")
    assert berlin.is_open(datetime.fromisoformat(at)) is is_open


def test_the_next_opening_is_later_than_now_also_in_the_repeated_hour() -> None:
    berlin = window("30 2 * * *", HOUR, "Europe/Berlin")
    at = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    opening = berlin.opens(at)
    assert opening is not None
    assert opening > at


HOSTS, SERVERS, GROUPS = "abc", "uvwx", "gh"
wanted = st.builds(
    lambda number, server, ends, groups: move(
        number, server, ends[0], ends[1], groups=tuple(sorted(groups))
    ),
    st.integers(1, 10**6),
    st.sampled_from(SERVERS),
    st.permutations(HOSTS),
    st.sets(st.sampled_from(GROUPS)),
)
some = st.none() | st.integers(1, 3)
limited = st.builds(
    PaceLimits,
    total=some,
    per_host=some,
    per_group=some,
    hourly=some,
    hourly_per_host=some,
    cooldown=st.sampled_from([timedelta(), 5 * MINUTE, 90 * MINUTE]),
    windows=st.sampled_from([(), (window("0 */3 * * *", 100 * MINUTE),)]),
)
Step = tuple[ActionSpec, int, int]
steps = st.lists(st.tuples(wanted, st.integers(0, 50), st.integers(1, 40)), max_size=40)


def execute(limits: PaceLimits, wishes: list[Step]) -> list[Migration]:
    """Begins what may begin, as wishes come; each lasts some minutes."""
    begun: list[Migration] = []
    now = NOON
    for spec, pause, minutes in wishes:
        now += pause * MINUTE
        known = [
            one if one.ended_at is None or one.ended_at <= now else _open(one) for one in begun
        ]
        if Pace(limits, known).hold(spec, now) is None:
            one = Migration.of(spec, now)
            begun.append(
                Migration(
                    one.action, one.server, one.hosts, one.groups, now, now + minutes * MINUTE
                )
            )
    return begun


def _open(one: Migration) -> Migration:
    return Migration(one.action, one.server, one.hosts, one.groups, one.began_at)


def running_at(begun: list[Migration], at: datetime) -> list[Migration]:
    return [one for one in begun if one.ended_at and one.began_at <= at < one.ended_at]


def fits(count: int, limit: int | None) -> bool:
    return limit is None or count <= limit


@given(limited, steps)
def test_no_execution_exceeds_a_limit(limits: PaceLimits, wishes: list[Step]) -> None:
    begun = execute(limits, wishes)
    for one in begun:
        at = one.began_at
        within = [other for other in begun if at - HOUR < other.began_at <= at]
        running = running_at(begun, at)
        assert fits(len(running), limits.total)
        assert fits(len(within), limits.hourly)
        for host in one.hosts:
            assert fits(sum(host in other.hosts for other in running), limits.per_host)
            assert fits(sum(host in other.hosts for other in within), limits.hourly_per_host)
        for group in one.groups:
            assert fits(sum(group in other.groups for other in running), limits.per_group)
        for other in begun:
            if other.server == one.server and other.ended_at and other.ended_at <= at:
                assert at - other.ended_at >= limits.cooldown
        assert not limits.windows or limits.windows[0].is_open(at)


@given(limited, steps, wanted)
def test_what_is_held_until_a_time_is_not_held_by_that_any_more_then(
    limits: PaceLimits, wishes: list[Step], spec: ActionSpec
) -> None:
    begun = execute(limits, wishes)
    now = max((one.ended_at or one.began_at for one in begun), default=NOON)
    pace = Pace(limits, begun)
    for _ in range(20):  # one limit after another
        hold = pace.hold(spec, now)
        if hold is None:
            break
        assert hold.until is not None, "nothing is in progress"
        assert hold.until > now
        now = hold.until
    else:
        pytest.fail("it is held for ever")
