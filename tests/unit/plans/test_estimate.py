"""How long a plan is said to take."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans.action import ActionSpec
from domain.plans.estimate import (
    Durations,
    Estimate,
    ExecutionLimits,
    Observed,
    Remaining,
    estimate,
)
from domain.plans.pace import HOUR, Hold, Pace, PaceLimits
from domain.plans.parallelism import Parallelism
from tests.given import NOON, ident
from tests.unit.plans.test_pace import window

GB = 1024**3
FREE = ExecutionLimits(max_parallel=100)


def sleep(number: int, seconds: float, *parents: int) -> Remaining:
    return Remaining(
        ActionSpec(
            ident(number),
            "sleep",
            {"duration": seconds},
            tuple(map(ident, parents)),
            (),
            Cause(FREES_HOST),
        )
    )


def migrate(
    number: int, size: int | None, source: str = "a", destination: str = "b", way: str = "live"
) -> Remaining:
    given: dict[str, object] = {
        "resource_id": f"vm-{number}",
        "source_node": source,
        "destination_node": destination,
        "migration_type": way,
    }
    spec = ActionSpec(ident(number), "migrate", given, (), (), Cause(FREES_HOST), size=size)
    return Remaining(spec)


def seconds(
    *actions: Remaining, limits: ExecutionLimits = FREE, durations: Durations | None = None
) -> float | None:
    return estimate(actions, durations or Durations(), limits, NOON).seconds


def test_the_longest_path_decides_if_nothing_else_limits() -> None:
    assert seconds(sleep(1, 10), sleep(2, 30), sleep(3, 5, 1), sleep(4, 1, 2, 3)) == 31
    assert seconds() == 0


def test_actions_share_the_places() -> None:
    assert seconds(*(sleep(n, 10) for n in range(5)), limits=ExecutionLimits(2)) == 30


def test_limits_per_host_and_type_make_a_plan_longer() -> None:
    moves = [migrate(n, None, f"h{n % 2}", f"d{n}") for n in range(4)]
    known = Durations({"migrate": [Observed(10.0, None, "live")] * 3})
    assert seconds(*moves, durations=known) == 10
    per_host = ExecutionLimits(8, Parallelism({}, {"migrate": 1}))
    assert seconds(*moves, durations=known, limits=per_host) == 20
    in_plan = ExecutionLimits(8, Parallelism({"migrate": 1}))
    assert seconds(*moves, durations=known, limits=in_plan) == 40
    hourly = ExecutionLimits(8, pace=PaceLimits(hourly=2))
    assert seconds(*moves, durations=known, limits=hourly) == HOUR.total_seconds() + 10


def test_a_closed_window_counts() -> None:
    late = ExecutionLimits(8, pace=PaceLimits(windows=(window("0 22 * * *", HOUR),)))
    opening = NOON.replace(hour=22, minute=0, second=0, microsecond=0)
    assert seconds(sleep(1, 60), limits=late) == (opening - NOON).total_seconds() + 60


def test_a_running_action_counts_with_what_is_left_of_it() -> None:
    running = replace(sleep(1, 60), since=NOON - timedelta(seconds=45))
    overdue = replace(sleep(2, 10), since=NOON - timedelta(seconds=45))
    assert seconds(running, overdue, sleep(3, 5, 1)) == 20


def test_observed_actions_give_the_rate_of_their_way() -> None:
    known = Durations(
        {
            "migrate": [
                *[Observed(8.0, 4 * GB, "live"), Observed(2.0, GB, "live")] * 2,
                *[Observed(100.0, GB, "cold")] * 3,
            ]
        }
    )
    assert seconds(migrate(1, 10 * GB), durations=known) == 20
    assert seconds(migrate(1, 2 * GB, way="cold"), durations=known) == 200


def test_before_there_are_observations_a_live_migration_has_the_configured_rate() -> None:
    known = Durations({"migrate": [Observed(1.0, GB, "live")] * 2}, rate=100e6, overhead=5.0)
    assert seconds(migrate(1, 10**9), durations=known) == 15


@pytest.mark.parametrize("action", [migrate(1, None), migrate(1, GB, way="cold")])
def test_an_unknown_duration_is_said_to_be_unknown(action: Remaining) -> None:
    found = estimate([action, sleep(2, 10)], Durations(), FREE, NOON)
    assert found == Estimate(None, ("migrate",))


lengths = st.lists(st.integers(1, 100), min_size=1, max_size=25)


@given(lengths, st.integers(1, 6), st.data())
def test_an_estimate_is_between_what_is_possible_and_one_after_another(
    given_lengths: list[int], most: int, data: st.DataObject
) -> None:
    actions = []
    for number, length in enumerate(given_lengths):
        parents = data.draw(st.sets(st.integers(0, max(number - 1, 0)), max_size=2))
        actions.append(sleep(number, length, *(parents if number else ())))
    found = seconds(*actions, limits=ExecutionLimits(most))
    path: dict[object, float] = {}
    for one, length in zip(actions, given_lengths, strict=True):
        path[one.spec.id] = length + max((path[p] for p in one.spec.parents), default=0)
    assert found is not None
    assert max(*path.values(), sum(given_lengths) / most) <= found <= sum(given_lengths)
    # Graham: list scheduling is never worse than this
    assert found <= sum(given_lengths) / most + max(path.values())


def test_moves_that_wait_for_a_host_are_not_asked_again_at_each_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan of 5,000 moves off five hosts was estimated for half a minute."""
    asked: list[ActionSpec] = []
    hold = Pace.hold

    def counted(
        pace: Pace, action: ActionSpec, now: datetime, *, restores: bool = False
    ) -> Hold | None:
        asked.append(action)
        return hold(pace, action, now, restores=restores)

    monkeypatch.setattr(Pace, "hold", counted)
    moves = [migrate(n, 10 * GB, f"h{n % 3}", f"d{n % 50}") for n in range(300)]
    limits = ExecutionLimits(8, Parallelism({}, {"migrate": 2}))
    assert seconds(*moves, limits=limits) is not None
    assert len(asked) < 4 * len(moves)
