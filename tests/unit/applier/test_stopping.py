"""Cancellations, deadlines and copies that do not move: what is aborted, when, and how it ends."""

import threading
from dataclasses import replace

import pytest

from application.ports.cloud import CloudUnreachable, Observation, Phase
from application.ports.event_log import EventLog, RecordedEvent
from domain.kernel.aggregate import JsonObject
from domain.plans import ActionState, PlanState
from domain.plans.events import ActionStepIntended
from domain.plans.reasons import (
    ABORTED_BY_CANCEL,
    DEADLINE_PASSED,
    NOTHING_COPIED,
    STILL_RUNNING,
)
from tests.unit.applier.bench import LOST, POLICY, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud, loses_the_reply

ABORTING = replace(POLICY, abort_on_cancel=True)


def hanging(deadline: float = 60.0) -> ReferenceCloud:
    cloud = ReferenceCloud(deadline=deadline)
    cloud.hang = True
    return cloud


def cancelling(event_log: EventLog, cloud: ReferenceCloud) -> Bench:
    """A plan whose user cancels it after its first request."""
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))
    cloud.after.append(lambda _: bench.cancel())
    return bench


def aborts(bench: Bench) -> list[ActionStepIntended]:
    return [
        entry.event
        for entry in bench.log.history(bench.id)
        if isinstance(entry, RecordedEvent) and isinstance(entry.event, ActionStepIntended)
    ]


def reason_of(bench: Bench) -> str | None:
    because = next(iter(bench.plan().actions.values())).because
    return None if because is None else because.reason


def test_a_cancellation_aborts_what_runs_if_the_operator_wants_it(event_log: EventLog) -> None:
    bench = cancelling(event_log, hanging())
    plan = bench.drive(policy=ABORTING)
    assert (plan.state, bench.states()) == (PlanState.CANCELLED, [ActionState.CANCELLED] * 2)
    assert bench.cloud.aborted == ["a"]
    assert reason_of(bench) == ABORTED_BY_CANCEL


def test_an_abort_is_in_the_log_before_it_is_requested(event_log: EventLog) -> None:
    class Watching(ReferenceCloud):
        """Notes the log at the moment of the request."""

        def abort(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> None:
            topics.append(bench.topics()[-1])
            states.append(bench.states()[0])
            super().abort(parameters, before, receipt)

    topics, states = list[str](), list[ActionState]()
    cloud = Watching()
    cloud.hang = True
    bench = cancelling(event_log, cloud)
    bench.drive(policy=ABORTING)
    assert topics == ["plan.action-step-intended"]
    assert states == [ActionState.CANCELLING]
    assert "plan.action-step-acknowledged" in bench.topics()


def test_by_default_a_cancellation_lets_what_runs_end(event_log: EventLog) -> None:
    bench = cancelling(event_log, ReferenceCloud(looks=5))
    bench.drive()
    assert bench.states() == [ActionState.SUCCEEDED, ActionState.CANCELLED]
    assert bench.cloud.aborted == []


def test_what_ended_before_the_abort_arrived_has_succeeded(event_log: EventLog) -> None:
    class Late(ReferenceCloud):
        """The effect is complete when the abort arrives."""

        def abort(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> None:
            self.hang = False

    cloud = Late()
    cloud.hang = True
    bench = cancelling(event_log, cloud)
    assert bench.drive(policy=ABORTING).state is PlanState.CANCELLED
    assert bench.states() == [ActionState.SUCCEEDED, ActionState.CANCELLED]


def test_an_abort_whose_request_was_lost_is_requested_again(event_log: EventLog) -> None:
    class Losing(ReferenceCloud):
        """The first abort does not arrive."""

        lost = False

        def abort(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> None:
            if not self.lost:
                self.lost = True
                raise CloudUnreachable("time-out")
            super().abort(parameters, before, receipt)

    cloud = Losing()
    cloud.hang = True
    bench = cancelling(event_log, cloud)
    bench.drive(policy=ABORTING)
    assert [one.attempt for one in aborts(bench)] == [1, 2]
    assert bench.states()[0] is ActionState.CANCELLED


@pytest.mark.parametrize("arrived", [False, True])
def test_a_successor_completes_an_abort(event_log: EventLog, arrived: bool) -> None:
    """The applier died between the intent and the response of the abort."""

    class Dying(ReferenceCloud):
        """The applier ends with the first abort."""

        def abort(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> None:
            first = not death.is_set()
            death.set()
            if arrived or not first:
                super().abort(parameters, before, receipt)
            if first:
                raise CloudUnreachable("killed")

    death = threading.Event()
    cloud = Dying()
    cloud.hang = True
    bench = cancelling(event_log, cloud)
    assert bench.drive(policy=ABORTING, stop=death).state is PlanState.CANCELLING
    assert bench.states()[0] is ActionState.CANCELLING
    assert bench.drive(takeover=LOST, policy=ABORTING).state is PlanState.CANCELLED
    assert bench.states() == [ActionState.CANCELLED] * 2
    assert bench.cloud.aborted == ["a"]


def test_a_request_that_was_lost_in_a_cancelled_plan_is_cancelled_and_not_repeated(
    event_log: EventLog,
) -> None:
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, action("a"))

    def lose(resource: str) -> None:
        bench.cancel()
        loses_the_reply(resource)

    cloud.before.append(lose)
    assert bench.drive(policy=ABORTING).state is PlanState.CANCELLED
    assert cloud.effects == []


class Copying(ReferenceCloud):
    """Shows figures of a copy, one after the other; the last one stays.

    Args:
        figures: (bytes copied, bytes that remain) of each observation.
        ends: whether the effect is complete after the last one.
    """

    def __init__(
        self, *figures: tuple[float, float], ends: bool = False, deadline: float = 60.0
    ) -> None:
        super().__init__(deadline=deadline)
        self._figures = list(figures)
        self._ends = ends
        self.hang = True

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        seen = super().observe(parameters, before, receipt)
        if seen.phase is not Phase.RUNNING:
            return seen
        copied, remaining = self._figures[0]
        if len(self._figures) > 1:
            self._figures.pop(0)
        elif self._ends:
            self.hang = False
        return replace(seen, copied=copied, remaining=remaining)


def test_a_copy_that_does_not_move_is_aborted_long_before_its_deadline(event_log: EventLog) -> None:
    """A hung migration held up its plan for 900 s."""
    bench = Bench(event_log, Copying((0, 100), (10, 90)), action("a"))
    plan = bench.drive(policy=replace(POLICY, stall_limit=0.1))
    assert (plan.state, reason_of(bench)) == (PlanState.FAILED, NOTHING_COPIED)
    assert bench.cloud.aborted == ["a"]


def test_a_copy_of_which_less_and_less_is_left_outlives_its_deadline(event_log: EventLog) -> None:
    figures = [(1000 - left, left) for left in (1000 * 0.9**step for step in range(30))]
    cloud = Copying(*figures, ends=True, deadline=0.1)
    bench = Bench(event_log, cloud, action("a"))
    plan = bench.drive(policy=replace(POLICY, stall_limit=5.0, poll_interval=0.005))
    assert (plan.state, cloud.aborted) == (PlanState.SUCCEEDED, [])


def test_a_copy_that_never_gets_smaller_ends_with_its_deadline(event_log: EventLog) -> None:
    """A busy guest changes its memory faster than it is copied: bytes move for ever."""
    figures = [(100 * step, 50 + step % 3) for step in range(1000)]
    cloud = Copying(*figures, deadline=0.1)
    bench = Bench(event_log, cloud, action("a"))
    bench.drive(policy=replace(POLICY, stall_limit=0.1))
    assert (reason_of(bench), cloud.aborted) == (DEADLINE_PASSED, ["a"])


class Unstoppable(ReferenceCloud):
    """Cannot abort its effects: a cold migration."""

    def can_abort(self, parameters: JsonObject) -> bool:
        return False


def test_what_cannot_be_aborted_is_watched_after_its_deadline_and_its_steps_taken(
    event_log: EventLog,
) -> None:
    """Nobody looked at a cold migration again after 900 s; the server stayed in VERIFY_RESIZE."""
    cloud = Unstoppable(looks=40, deadline=0.05)
    cloud.step = "confirm"
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive(policy=replace(POLICY, follow_up=60.0)).state is PlanState.SUCCEEDED
    assert (cloud.advanced, cloud.aborted) == (["a"], [])
    assert all(one.because is None for one in aborts(bench))


def test_what_never_ends_fails_with_what_the_cloud_shows(event_log: EventLog) -> None:
    cloud = Unstoppable(deadline=0.05)
    cloud.hang = True
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.FAILED
    assert reason_of(bench) == STILL_RUNNING
    assert "still shows running" in str(next(iter(bench.plan().actions.values())).because)
    assert aborts(bench) == [], "no intent of what is not requested"
