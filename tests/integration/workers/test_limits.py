"""Limits over all plans hold, whichever applier executes them and however they start."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application.applier.gate import StartGate
from domain.plans import ActionState, PlanState
from domain.plans.events import ActionIntended, ActionWithheld, PlanHeld
from domain.plans.pace import (
    HOST_MIGRATIONS_IN_PROGRESS,
    MIGRATIONS_PER_HOUR,
    SERVER_COOLS_DOWN,
    PaceLimits,
)
from domain.plans.parallelism import Parallelism
from tests.integration.notifications.waiting import until
from tests.unit.applier.bench import CLOCK, Bench
from tests.unit.applier.test_parallelism import CountingCloud, moves
from tests.world.world import World

TWO_AT_A_HOST = Parallelism({}, {"migrate": 2})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Databases with a projector."""
    world, stop = World(tmp_path), threading.Event()
    thread = threading.Thread(target=world.projector.run, args=(stop,))
    thread.start()
    yield world
    stop.set()
    thread.join()
    world.close()


def gate(world: World, limits: PaceLimits, parallelism: Parallelism) -> StartGate:
    return StartGate(world.log, world.reads, CLOCK, limits).within(parallelism)


def drive(world: World, benches: list[Bench], limits: PaceLimits, **options: object) -> None:
    """Executes several plans at once, each as an applier of its own would."""
    parallelism = options.get("parallelism", Parallelism())
    assert isinstance(parallelism, Parallelism)

    def execute(bench: Bench) -> None:
        bench.drive(gate=gate(world, limits, parallelism), parallelism=parallelism)

    threads = [threading.Thread(target=execute, args=(bench,)) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def plans(world: World, cloud: CountingCloud, count: int = 3) -> list[Bench]:
    """Plans that move servers off the same host."""
    return [
        Bench(world.log, cloud, *moves(4, hosts=1), number=number) for number in range(1, count + 1)
    ]


def test_limits_on_what_is_in_progress_count_all_plans(world: World) -> None:
    cloud = CountingCloud()
    benches = plans(world, cloud)
    drive(world, benches, PaceLimits(), parallelism=TWO_AT_A_HOST)
    assert [bench.plan().state for bench in benches] == [PlanState.SUCCEEDED] * 3
    assert cloud.most["c0"] == 2


def test_the_last_check_alone_keeps_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appliers that saw nothing of each other before their intents: the later one withdraws."""
    monkeypatch.setattr("application.applier.gate.Survey.hold", lambda *_: None)
    cloud = CountingCloud()
    benches = plans(world, cloud, count=2)
    drive(world, benches, PaceLimits(total=1))
    assert [bench.plan().state for bench in benches] == [PlanState.SUCCEEDED] * 2
    assert cloud.most["all"] == 1
    assert any(ActionWithheld.TOPIC in bench.topics() for bench in benches)


def test_without_the_last_check_appliers_exceed_it_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr("application.applier.gate.Survey.hold", lambda *_: None)
    monkeypatch.setattr("application.applier.gate.StartGate.check", lambda *_: None)
    cloud = CountingCloud()
    drive(world, plans(world, cloud, count=2), PaceLimits(total=1))
    assert cloud.most["all"] > 1


def test_a_plan_waits_until_the_hour_has_passed_and_says_so(world: World) -> None:
    cloud = CountingCloud()
    (first,) = plans(world, cloud, count=1)
    second = Bench(world.log, cloud, *moves(1, hosts=1), number=2)
    limits = PaceLimits(hourly=4)
    drive(world, [first], limits)
    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: second.drive(gate=gate(world, limits, Parallelism()), stop=stop)
    )
    thread.start()
    until(lambda: second.plan().held is not None, "the plan says that it waits")
    stop.set()
    thread.join(20)
    held = second.plan().held
    assert held is not None
    assert held.reason == MIGRATIONS_PER_HOUR
    begun = min(one.started_at for one in first.plan().actions.values() if one.started_at)
    assert held.facts["until"] == (begun + timedelta(hours=1)).isoformat(timespec="seconds")
    world.projector.catch_up()
    view = world.reads.action_plan(second.id)
    assert view is not None
    assert (view.status_message or "").startswith("Waiting: 4 migrations began within an hour")
    assert ActionIntended.TOPIC not in second.topics()


def test_a_server_cools_down_over_plans_and_then_moves(world: World) -> None:
    cloud = CountingCloud()
    benches = [Bench(world.log, cloud, *moves(1, hosts=1), number=number) for number in (1, 2)]
    limits = PaceLimits(cooldown=timedelta(seconds=1))
    drive(world, [benches[0]], limits)
    drive(world, [benches[1]], limits)
    first, second = (next(iter(bench.plan().actions.values())) for bench in benches)
    assert second.state is ActionState.SUCCEEDED
    assert second.started_at is not None
    assert first.ended_at is not None
    assert second.started_at - first.ended_at >= limits.cooldown
    assert _held_for(benches[1]) == [SERVER_COOLS_DOWN]


def test_a_plan_that_waits_for_another_plan_names_the_host(world: World) -> None:
    cloud = CountingCloud()
    cloud.hang = True
    benches = plans(world, cloud, count=2)
    limits = replace(PaceLimits(), per_host=4)
    threads = [
        threading.Thread(target=lambda bench=bench: drive(world, [bench], limits))
        for bench in benches
    ]
    threads[0].start()
    until(lambda: len(cloud.effects) == 4, "the first plan moves its servers")
    threads[1].start()
    until(lambda: benches[1].plan().held is not None, "the second one waits")
    cloud.hang = False
    for thread in threads:
        thread.join(30)
    assert _held_for(benches[1])[0] == HOST_MIGRATIONS_IN_PROGRESS
    assert cloud.most["c0"] == 4
    assert benches[1].plan().state is PlanState.SUCCEEDED


def _held_for(bench: Bench) -> list[str]:
    entries = [getattr(entry, "event", None) for entry in bench.log.history(bench.id)]
    return [event.because.reason for event in entries if isinstance(event, PlanHeld)]
