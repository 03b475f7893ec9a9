"""While actuation is off, no request begins; what was requested before finishes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from application.commands.actuation import switch_actuation
from application.ports.cloud import Verdict
from application.ports.event_log import EventLog
from application.projections.status_messages import waits
from domain.actuation import ACTUATION_OFF
from domain.kernel.aggregate import JsonObject
from domain.plans import ActionState, PlanState
from tests.integration.notifications.waiting import until
from tests.unit.applier.bench import LOST, METADATA, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud, loses_the_reply


def switch(bench: Bench, *, on: bool) -> None:
    switch_actuation(bench.commands, METADATA, "outage", on=on)


def is_held(bench: Bench) -> bool:
    held = bench.plan().held
    return held is not None and held.reason == ACTUATION_OFF


@contextmanager
def driven(bench: Bench) -> Iterator[None]:
    """The plan is executed meanwhile; at the end it has ended."""
    thread = threading.Thread(target=bench.drive)
    thread.start()
    try:
        yield
    finally:
        switch(bench, on=True)
        thread.join(20)
    assert not thread.is_alive()


def test_a_plan_waits_while_actuation_is_off_and_goes_on_after_it(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"), action("b", (0,)))
    switch(bench, on=False)
    with driven(bench):
        until(lambda: is_held(bench), "the plan says that it waits")
        assert bench.states() == [ActionState.PENDING, ActionState.PENDING]
        assert bench.cloud.effects == []
        held = bench.plan().held
        assert held is not None
        assert waits(held).startswith("Waiting: actuation is off since ")
    plan = bench.plan()
    assert (plan.state, plan.held) == (PlanState.SUCCEEDED, None)
    assert bench.cloud.effects == ["a", "b"]


def test_what_was_requested_finishes_and_nothing_follows_it(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.step = "confirm"
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))
    cloud.after.append(lambda _: switch(bench, on=False))
    with driven(bench):
        until(lambda: bench.states()[0] is ActionState.SUCCEEDED, "the first action ends")
        until(lambda: is_held(bench), "the plan says that it waits")
        assert cloud.advanced == ["a"]
        assert cloud.effects == ["a"]
    assert cloud.effects == ["a", "b"]


class SwitchedOffAtTheLastMoment(ReferenceCloud):
    """Somebody switches actuation off after the first check of the first action."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[Callable[[], None]] = []

    def precondition(self, parameters: JsonObject) -> Verdict:
        verdict = super().precondition(parameters)
        if self.then:
            self.then.pop()()
        return verdict


def test_an_intent_is_withdrawn_if_the_switch_is_off_at_the_last_moment(
    event_log: EventLog,
) -> None:
    cloud = SwitchedOffAtTheLastMoment()
    bench = Bench(event_log, cloud, action("a"))
    cloud.then.append(lambda: switch(bench, on=False))
    with driven(bench):
        until(lambda: is_held(bench), "the plan says that it waits")
        assert cloud.effects == []
        first = next(iter(bench.plan().actions.values()))
        assert (first.state, first.attempt, first.intent) == (ActionState.PENDING, 0, None)
    assert bench.plan().state is PlanState.SUCCEEDED
    assert bench.topics()[3:] == [
        "plan.action-intended",
        "plan.action-withheld",
        "plan.held",
        "plan.released",
        "plan.action-intended",
        "plan.action-acknowledged",
        "plan.action-succeeded",
        "plan.succeeded",
    ]
    assert cloud.effects == ["a"]


def test_a_repeated_request_waits_too(event_log: EventLog) -> None:
    """Its first request had no effect; the second one is a new request."""
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, action("a"))

    def lost(resource: str) -> None:
        switch(bench, on=False)
        loses_the_reply(resource)

    cloud.before.append(lost)
    with driven(bench):
        until(lambda: is_held(bench), "the plan says that it waits")
        assert cloud.effects == []
    assert cloud.effects == ["a"]


def test_the_successor_of_a_lost_applier_waits_too(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"), action("b"))
    switch(bench, on=False)
    bench.claim()
    thread = threading.Thread(target=lambda: bench.drive(takeover=LOST))
    thread.start()
    until(lambda: is_held(bench), "the successor says that it waits")
    assert bench.cloud.effects == []
    switch(bench, on=True)
    thread.join(20)
    assert sorted(bench.cloud.effects) == ["a", "b"]


def test_a_plan_that_waits_can_be_cancelled(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    switch(bench, on=False)
    with driven(bench):
        until(lambda: is_held(bench), "the plan says that it waits")
        bench.cancel()
        until(lambda: bench.plan().state is PlanState.CANCELLED, "the plan is cancelled")
    assert bench.cloud.effects == []


def test_without_the_check_before_the_request_it_would_be_sent(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the defect that the test of the last moment is there for."""
    monkeypatch.setattr("application.applier.gate.StartGate.check", lambda *_: None)
    cloud = SwitchedOffAtTheLastMoment()
    bench = Bench(event_log, cloud, action("a"))
    cloud.then.append(lambda: switch(bench, on=False))
    assert bench.drive().state is PlanState.SUCCEEDED
    assert cloud.effects == ["a"]
