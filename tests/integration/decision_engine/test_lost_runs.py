"""Engines that are lost over a run, and engines that stop while they work on one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from application.decision_engine.engine import RunPolicy
from application.kernel.unit_of_work import Commands
from application.ports.event_log import EventLog, RecordedEvent
from application.ports.projections import StoreUnavailable
from domain.audits import Audit, AuditState, AuditType
from domain.audits.events import AuditRunClaimed
from domain.audits.reasons import WORKERS_LOST
from domain.kernel.aggregate import JsonObject
from domain.kernel.metadata import Context
from domain.kernel.reasons import (
    OWNER_LOST,
    OWNER_RESUMED,
    OWNER_RETIRED,
    OWNER_STOPPING,
    Cause,
)
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.dummy import Dummy, DummyParameters
from tests.integration.decision_engine.test_runs_beside_plans import executing_plan
from tests.world.engine import AT_ONCE, EngineWorld, reason
from tests.world.world import CLOCK

SECONDS = 20.0


class Waiting(Dummy):
    """A strategy that ends when it is told to."""

    name = "waiting"

    def __init__(self) -> None:
        self.begun, self.end = threading.Event(), threading.Event()

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        self.begun.set()
        assert self.end.wait(SECONDS)
        return super().solve(context)


def lose(world: EngineWorld, audit: UUID, times: int) -> None:
    """So many engines of which nothing was heard since claim the run, each from the one before."""

    def claim(one: Audit, ctx: Context, name: str) -> None:
        assert one.run is not None
        facts: JsonObject = {"owner": one.run.owner, "successor": name}
        lost = Cause(OWNER_LOST, facts)
        one.claim_run(ctx, one.run.id, name, "elsewhere", takeover=lost)

    for number in range(times):
        world.change(Audit, audit, partial(claim, name=f"engine/lost-{number}"))


def takeovers(world: EngineWorld, audit: UUID) -> list[str | None]:
    """Why each claim on an audit's runs was a takeover, None for those that were not."""
    events = [e.event for e in world.log.history(audit) if isinstance(e, RecordedEvent)]
    claims = [event for event in events if isinstance(event, AuditRunClaimed)]
    return [None if claim.because is None else claim.because.reason for claim in claims]


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Something that goes on at the same time and has ended afterwards."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(SECONDS)
    assert not thread.is_alive()


def limit(losses: int) -> RunPolicy:
    return RunPolicy(AT_ONCE, plan_wait=0.0, max_losses=losses)


def test_a_run_that_lost_too_many_engines_fails_before_it_costs_another_one(
    world: EngineWorld,
) -> None:
    """A strategy with a segmentation fault killed every engine of the installation in turn."""
    audit = world.request()
    lose(world, audit, 2)
    collected: list[bool] = []
    world.cloud.meanwhile = lambda: collected.append(True)
    world.work(world.engine(policy=limit(2)))
    assert world.find_audit(audit).state is AuditState.FAILED
    because = world.find_audit(audit).because
    assert because is not None
    assert because.reason == WORKERS_LOST
    assert because.facts["lost"] == [
        {"epoch": 1, "worker": "engine/lost-0"},
        {"epoch": 2, "worker": "engine/lost-1"},
    ]
    assert collected == []
    view = world.reads.audit(str(audit))
    assert view is not None
    assert (view.state, view.status_message) == ("FAILED", str(because))


def test_a_run_that_lost_fewer_engines_is_taken_over(world: EngineWorld) -> None:
    audit = world.request()
    lose(world, audit, 2)
    world.work(world.engine(policy=limit(3)))
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert takeovers(world, audit)[-1] == OWNER_LOST


def test_a_continuous_audit_goes_on_after_a_run_was_given_up_while_it_waited_its_turn(
    world: EngineWorld,
) -> None:
    executing_plan(world)
    audit = world.request(AuditType.CONTINUOUS, interval="1")
    world.tick()
    lose(world, audit, 2)
    world.work(world.engine(policy=limit(2)))
    assert reason(world, audit) == WORKERS_LOST
    assert (world.find_audit(audit).state, world.find_audit(audit).run) == (
        AuditState.ONGOING,
        None,
    )
    CLOCK.sleep(1.1)
    world.tick()
    run = world.find_audit(audit).run
    assert run is not None
    assert (run.number, run.lost) == (2, ())


def test_an_engine_that_outlives_an_outage_of_the_database_is_not_lost(world: EngineWorld) -> None:
    """It takes its own claim up again, however often: nobody died of the run."""
    world.metrics.surprises = [StoreUnavailable("busy")] * 3
    audit = world.request()
    engine = world.engine(policy=limit(1))
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            world.work(engine)
    world.work(engine)
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert takeovers(world, audit) == [None, *[OWNER_RESUMED] * 3]


def test_an_engine_that_retired_with_a_claim_in_hand_is_not_lost(world: EngineWorld) -> None:
    world.metrics.surprises = [StoreUnavailable("busy")]
    audit = world.request()
    with pytest.raises(StoreUnavailable):
        world.work(world.engine("one"))
    world.services.retire("engine/one")
    world.work(world.engine("two", limit(1)))
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert takeovers(world, audit) == [None, OWNER_RETIRED]


def test_runs_are_processed_side_by_side(world: EngineWorld) -> None:
    waiting = world.strategies["waiting"] = Waiting()
    slow = world.request(goal="dummy", strategy="waiting")
    other = world.request(goal="dummy", strategy="dummy")
    engine = world.engine()
    with beside(lambda: engine.process(slow)):
        assert waiting.begun.wait(SECONDS)
        engine.process(other)
        assert world.find_audit(other).state is AuditState.SUCCEEDED
        waiting.end.set()


def test_an_engine_that_is_told_to_stop_gives_back_what_does_not_end(world: EngineWorld) -> None:
    """A supervisor that waited in vain killed it, which looked like the loss of an engine."""
    waiting = world.strategies["waiting"] = Waiting()
    audit = world.request(goal="dummy", strategy="waiting")
    engine, stop = world.engine("one"), threading.Event()
    with beside(lambda: engine.process(audit)):
        assert waiting.begun.wait(SECONDS)
        stop.set()
        engine.release_at_stop(stop, timeout=0.05)
        assert reason(world, audit) == OWNER_STOPPING
        world.strategies["waiting"] = Dummy()
        world.work(world.engine("two", limit(1)))
        (plan,) = world.find_plans(audit)
        waiting.end.set()  # what the first engine still finds is dropped
    assert [one.id for one in world.find_plans(audit)] == [plan.id]
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert takeovers(world, audit) == [None, None]


class Delayed(Commands):
    """Commands that wait for a sign before they decide."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log, CLOCK)
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        self.begun.set()
        assert self.go.wait(SECONDS)
        return super().run(*args, **kwargs)


def test_a_run_that_is_being_claimed_when_the_engine_is_told_to_stop_is_given_back(
    world: EngineWorld,
) -> None:
    waiting = world.strategies["waiting"] = Waiting()
    audit = world.request(goal="dummy", strategy="waiting")
    delayed = world.commands = Delayed(world.log)
    engine, stop = world.engine(), threading.Event()
    stop.set()
    with beside(lambda: engine.process(audit)):
        assert delayed.begun.wait(SECONDS)
        with beside(lambda: engine.release_at_stop(stop, timeout=3.0)):
            CLOCK.sleep(0.2)  # it is told first, and the claim succeeds after that
            delayed.go.set()
        assert reason(world, audit) == OWNER_STOPPING
        waiting.end.set()
    assert world.find_plans(audit) == []


def test_an_engine_that_is_told_to_stop_waits_a_moment_for_what_ends(world: EngineWorld) -> None:
    waiting = world.strategies["waiting"] = Waiting()
    audit = world.request(goal="dummy", strategy="waiting")
    engine, stop = world.engine(), threading.Event()
    with beside(lambda: engine.process(audit)):
        assert waiting.begun.wait(SECONDS)
        stop.set()
        with beside(lambda: engine.release_at_stop(stop, timeout=SECONDS)):
            waiting.end.set()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert takeovers(world, audit) == [None]


def test_an_engine_that_is_told_to_stop_takes_nothing_more(world: EngineWorld) -> None:
    audit = world.request()
    engine, stop = world.engine(), threading.Event()
    stop.set()
    engine.release_at_stop(stop)
    engine.process(audit)
    assert takeovers(world, audit) == []
