"""Effects of several steps: each step is requested once, whatever dies or gets lost."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from application.ports.cloud import CloudUnreachable
from application.ports.event_log import EventLog
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced
from domain.plans import PlanState
from tests.unit.applier.bench import CLOCK, LOST, POLICY, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud, loses_the_reply, refuses

STEP_TOPICS = ["plan.action-step-intended", "plan.action-step-acknowledged"]


def stepping() -> ReferenceCloud:
    cloud = ReferenceCloud()
    cloud.step = "confirm"
    return cloud


def nothing(_: str) -> None:
    pass


def interrupted(bench: Bench, *, step_intended: bool, step_taken: bool) -> None:
    """The predecessor died after the effect, around its next step."""
    session, epoch = bench.claim()
    one = next(iter(session.state.actions))
    intent: JsonObject = {"before": {"effects": 0}, "deadline": 60.0}
    parameters: JsonObject = {"resource_id": "a"}
    session.run(lambda p, ctx: p.intend_action(ctx, epoch, one, intent))
    receipt = bench.cloud.start(parameters, {})
    session.run(lambda p, ctx: p.acknowledge_action(ctx, epoch, one, receipt))
    if step_intended:
        session.run(lambda p, ctx: p.intend_step(ctx, epoch, one, "confirm"))
    if step_taken:
        bench.cloud.advance(parameters, {}, receipt, "confirm")


def test_a_step_is_noted_before_and_after_its_request(event_log: EventLog) -> None:
    bench = Bench(event_log, stepping(), action("a"))
    seen: list[list[str]] = []
    bench.cloud.after.extend([nothing, lambda _: seen.append(bench.topics())])
    assert bench.drive().state is PlanState.SUCCEEDED
    assert seen[0][-1] == "plan.action-step-intended", "noted before it is requested"
    assert bench.topics()[5:] == [*STEP_TOPICS, "plan.action-succeeded", "plan.succeeded"]
    assert bench.cloud.advanced == ["a"]


@pytest.mark.parametrize(
    ("step_intended", "step_taken", "requests"),
    [(False, False, 1), (True, False, 2), (True, True, 1)],
)
def test_a_successor_finds_out_what_became_of_a_step(
    event_log: EventLog, step_intended: bool, step_taken: bool, requests: int
) -> None:
    bench = Bench(event_log, stepping(), action("a"))
    interrupted(bench, step_intended=step_intended, step_taken=step_taken)
    assert bench.drive(takeover=LOST).state is PlanState.SUCCEEDED
    assert bench.cloud.advanced == ["a"]
    assert bench.topics().count("plan.action-step-intended") == requests


def test_a_step_whose_reply_is_lost_is_not_repeated(event_log: EventLog) -> None:
    bench = Bench(event_log, stepping(), action("a"))
    bench.cloud.after.extend([nothing, loses_the_reply])
    assert bench.drive().state is PlanState.SUCCEEDED
    assert bench.cloud.advanced == ["a"]
    assert bench.topics().count("plan.action-step-intended") == 1


@pytest.mark.parametrize("goes_wrong", [loses_the_reply, refuses])
def test_a_step_that_was_not_taken_is_requested_again(
    event_log: EventLog, goes_wrong: Callable[[str], None]
) -> None:
    bench = Bench(event_log, stepping(), action("a"))
    bench.cloud.before.extend([nothing, goes_wrong])
    assert bench.drive().state is PlanState.SUCCEEDED
    assert bench.cloud.advanced == ["a"]
    assert bench.topics().count("plan.action-step-intended") == 2


def test_a_step_that_may_still_arrive_is_not_requested_again(event_log: EventLog) -> None:
    """The request waits in a proxy for a moment after the time-out."""

    class Waiting(ReferenceCloud):
        """The first request of the step is answered by a time-out, and arrives a moment later."""

        def __init__(self) -> None:
            super().__init__()
            self.step = "confirm"
            self.late: list[threading.Timer] = []

        def advance(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None, step: str
        ) -> JsonObject:
            if self.late:
                return super().advance(parameters, before, receipt, step)
            CLOCK.sleep(3 * POLICY.settle_time)
            arrival = [parameters, before, receipt, step]
            self.late.append(threading.Timer(POLICY.settle_time / 2, super().advance, arrival))
            self.late[0].start()
            raise CloudUnreachable("time-out")

    cloud = Waiting()
    assert Bench(event_log, cloud, action("a")).drive().state is PlanState.SUCCEEDED
    for late in cloud.late:
        late.join()
    assert cloud.advanced == ["a"]


def test_a_fenced_applier_takes_no_step(event_log: EventLog) -> None:
    """Somebody takes the plan over between the effect and its next step."""
    bench = Bench(event_log, stepping(), action("a"))

    def usurp(_: str) -> None:
        bench.claim(takeover=LOST)

    bench.cloud.after.append(usurp)
    with pytest.raises(Fenced):
        bench.drive()
    assert bench.cloud.advanced == []


def test_an_applier_whose_heart_does_not_beat_takes_no_step(event_log: EventLog) -> None:
    bench = Bench(event_log, stepping(), action("a"))
    beating = threading.Event()
    beating.set()
    bench.cloud.after.append(lambda _: beating.clear())
    beats = iter([False] * 5)

    def fresh() -> bool:
        return beating.is_set() or next(beats, True)

    assert bench.drive(fresh=fresh).state is PlanState.SUCCEEDED
    assert bench.topics().count("plan.action-step-intended") == 1
    assert next(beats, None) is None, "it waited"


def test_a_step_that_is_refused_again_and_again_ends_with_the_deadline(
    event_log: EventLog,
) -> None:
    bench = Bench(event_log, ReferenceCloud(deadline=0.6), action("a"))
    bench.cloud.step = "confirm"
    bench.cloud.before.extend([nothing, *[refuses] * 1000])
    plan = bench.drive(policy=replace(POLICY, follow_up=1.0))
    assert plan.state is PlanState.FAILED
    assert bench.cloud.advanced == []
    requests = bench.topics().count("plan.action-step-intended")
    assert 1 < requests <= (0.6 + 1.0) / POLICY.settle_time + 1
