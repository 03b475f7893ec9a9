import logging
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.applier.aggregate_session import AggregateSession
from application.applier.policy import ExecutionPolicy
from application.ports.cloud import (
    CloudRefused,
    CloudUnreachable,
    Observation,
    Phase,
    Verdict,
)
from application.ports.event_log import EventLog, EventLogUnavailable
from application.ports.progress import Progress
from application.ports.projections import StoreUnavailable
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import Fenced
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.plans import Action, ActionPlan, ActionState, PlanState
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.reasons import DEADLINE_PASSED, MIGRATION_REFUSED, OUTCOME_UNKNOWN
from infrastructure.clock import SystemClock
from tests.integration.notifications.waiting import until
from tests.unit.applier.bench import CLOCK, FORBIDDEN, LOST, METADATA, POLICY, Bench, action
from tests.unit.applier.reference_cloud import FAIL, SKIP, ReferenceCloud, loses_the_reply, refuses
from tests.world.boards import ReferenceProgressBoard


def test_intent_effect_receipt_and_outcome_are_noted_in_that_order(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED
    assert bench.topics()[3:] == [
        "plan.action-intended",
        "plan.action-acknowledged",
        "plan.action-succeeded",
        "plan.succeeded",
    ]
    assert bench.cloud.effects == ["a"]
    assert [one.percent for one in bench.board.all()] == [50.0]


def test_the_log_says_how_each_plan_ended(
    event_log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    """A day's log named only the claim of a plan."""
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, action("a"))
    with caplog.at_level(logging.INFO, "application"):
        bench.drive()
    assert caplog.messages == [f"plan {bench.id} succeeded"]


def test_the_log_says_why_a_plan_failed(
    event_log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = ReferenceCloud()
    cloud.before.append(refuses)
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))
    with caplog.at_level(logging.INFO, "application"):
        bench.drive()
    (line,) = [text for text in caplog.messages if text.startswith(f"plan {bench.id}")]
    assert line.startswith(f"plan {bench.id} failed: ")


def test_children_start_after_their_parents_ended(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a"), action("b", (0,)), action("c", (1,)))
    bench.drive()
    assert bench.cloud.effects == ["a", "b", "c"]


def test_a_refused_effect_fails_its_action_with_the_clouds_words(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.before.append(refuses)
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))
    plan = bench.drive()
    assert plan.state is PlanState.FAILED
    assert bench.states() == [ActionState.FAILED, ActionState.CANCELLED]
    assert "refused" in str(next(iter(plan.actions.values())).because)
    assert cloud.effects == []


def test_checks_skip_and_fail_without_an_effect(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.verdicts = {"a": SKIP, "b": FAIL}
    bench = Bench(event_log, cloud, action("a"), action("b"))
    assert bench.drive().state is PlanState.FAILED
    assert bench.states() == [ActionState.SKIPPED, ActionState.FAILED]
    assert cloud.effects == []


def test_an_effect_whose_reply_was_lost_is_observed_and_not_repeated(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.after.append(loses_the_reply)
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED
    assert cloud.effects == ["a"]


def test_an_effect_that_never_started_is_had_after_the_settle_time(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.before.append(loses_the_reply)
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED
    assert cloud.effects == ["a"]
    assert next(iter(bench.plan().actions.values())).attempt == 2


def test_an_effect_that_never_starts_is_given_up(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.before.extend([loses_the_reply] * 9)
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.FAILED
    assert cloud.effects == []


@pytest.mark.parametrize("had", [False, True])
def test_a_successor_finds_out_what_became_of_an_intent(event_log: EventLog, had: bool) -> None:
    """The predecessor died between the intent and the receipt; the effect was had or not."""
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    session, epoch = bench.claim()
    one = next(iter(session.state.actions))
    intent: dict[str, object] = {"before": {"effects": 0}, "deadline": 60.0}
    session.run(lambda p, ctx: p.intend_action(ctx, epoch, one, intent))
    if had:
        bench.cloud.start({"resource_id": "a"}, {})
    assert bench.drive(takeover=LOST).state is PlanState.SUCCEEDED
    assert bench.cloud.effects == ["a"]


def test_an_effect_that_costs_one_applier_after_the_other_is_given_up(
    event_log: EventLog,
) -> None:
    """Each dies in the middle of asking for it. Attempts are counted in the log, so a successor
    that asks again knows of them, and the last one looks and gives up."""
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    for attempt in range(1, POLICY.max_attempts + 1):
        death = threading.Event()

        def die(_: str, death: threading.Event = death) -> None:
            death.set()
            raise CloudUnreachable("killed")

        bench.cloud.before.append(die)
        plan = bench.drive(takeover=LOST, stop=death)
        (one,) = plan.actions.values()
        assert (one.state, one.attempt) == (ActionState.ONGOING, attempt)
    plan = bench.drive(takeover=LOST)
    (one,) = plan.actions.values()
    assert plan.state is PlanState.FAILED
    assert one.because is not None
    assert one.because.reason == OUTCOME_UNKNOWN
    assert bench.cloud.effects == []


def test_a_fenced_applier_has_no_effect(event_log: EventLog) -> None:
    """Somebody takes the plan over between the intent and the effect."""
    cloud = ReferenceCloud()
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))

    def usurp(_: str) -> None:
        bench.claim(takeover=LOST)

    cloud.after.append(usurp)
    with pytest.raises(Fenced):
        bench.drive()
    assert cloud.effects == ["a"]


@pytest.mark.parametrize("step", [None, "confirm"])
def test_a_claim_between_intent_and_request_prevents_the_request(
    event_log: EventLog, step: str | None
) -> None:
    """The heartbeat is looked at just before the log: at that moment somebody takes over."""
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    bench.cloud.step = step
    intent = "plan.action-intended" if step is None else "plan.action-step-intended"

    def fresh() -> bool:
        if bench.topics()[-1] == intent:
            bench.claim(takeover=LOST)
        return True

    with pytest.raises(Fenced):
        bench.drive(fresh=fresh)
    assert bench.cloud.effects == ([] if step is None else ["a"])
    assert bench.cloud.advanced == []


def test_an_applier_whose_heart_does_not_beat_has_no_effect(event_log: EventLog) -> None:
    beats = iter([False] * 5)
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    assert bench.drive(fresh=lambda: next(beats, True)).state is PlanState.SUCCEEDED
    assert bench.cloud.effects == ["a"]


def test_a_heart_that_stops_after_the_intent_prevents_the_request(event_log: EventLog) -> None:
    """Others may take the plan over from then on."""
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    beats = iter([True, False])
    requests: list[list[str]] = []
    bench.cloud.before.append(lambda _: requests.append(bench.topics()[3:]))
    assert bench.drive(fresh=lambda: next(beats, True)).state is PlanState.SUCCEEDED
    assert requests == [["plan.action-intended"] * 2]


def test_a_cancel_stops_what_has_not_started_and_lets_the_rest_end(event_log: EventLog) -> None:
    cloud = ReferenceCloud(looks=5)
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))

    def cancel(_: str) -> None:
        bench.commands.run(
            METADATA, lambda tx, ctx: tx.get(ActionPlan, bench.id).move(ctx, PlanState.CANCELLING)
        )

    cloud.after.append(cancel)
    assert bench.drive().state is PlanState.CANCELLED
    assert bench.states() == [ActionState.SUCCEEDED, ActionState.CANCELLED]


def test_a_cancel_that_is_noticed_is_heard_at_once(event_log: EventLog) -> None:
    """Its hint queued behind the running plan: only polling found it."""
    bench = Bench(event_log, ReferenceCloud(looks=5), action("a"), action("b", (0,)))
    session, epoch = bench.claim()
    execution = bench.execution(session, epoch, policy=replace(POLICY, poll_interval=300.0))
    stop = threading.Event()

    def cancel(_: str) -> None:
        bench.cancel()
        execution.look_again()
        until(lambda: ActionState.CANCELLED in bench.states(), "what waits is cancelled")
        stop.set()

    bench.cloud.after.append(cancel)
    execution.run(stop)
    assert bench.states()[1] is ActionState.CANCELLED


def test_a_cancel_during_a_second_attempt_ends_the_action_and_the_plan(
    event_log: EventLog,
) -> None:
    """The plan stayed CANCELLING until the applier restarted: nobody looked at the action again."""

    class Cancelling(ReferenceCloud):
        """A user cancels while the second attempt is being checked."""

        checks = 0

        def check(self, parameters: JsonObject) -> Verdict:
            self.checks += 1
            if self.checks == 2:
                cancel()
            return super().check(parameters)

    def cancel() -> None:
        bench.commands.run(
            METADATA, lambda tx, ctx: tx.get(ActionPlan, bench.id).move(ctx, PlanState.CANCELLING)
        )

    cloud = Cancelling()
    cloud.before.append(loses_the_reply)
    bench = Bench(event_log, cloud, action("a"), action("b", (0,)))
    assert bench.drive().state is PlanState.CANCELLED
    assert bench.states() == [ActionState.CANCELLED, ActionState.CANCELLED]
    assert cloud.effects == []


def test_looks_that_go_wrong_now_and_then_do_not_add_up(event_log: EventLog) -> None:
    """Three hiccups in an hour failed a migration that was well under way."""

    class Stumbling(ReferenceCloud):
        """Every other look at an effect goes wrong."""

        looks = 0

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            self.looks += 1
            if self.looks % 2:
                raise RuntimeError("no JSON")
            return super().observe(parameters, before, receipt)

    bench = Bench(event_log, Stumbling(looks=6), action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED


def test_an_effect_past_its_deadline_is_aborted_and_fails(event_log: EventLog) -> None:
    cloud = ReferenceCloud(deadline=0.05)
    cloud.hang = True
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.FAILED
    assert cloud.aborted == ["a"]
    (one,) = bench.plan().actions.values()
    assert one.because is not None
    assert one.because.reason == DEADLINE_PASSED, "it was we who aborted it"


def test_an_outage_delays_but_does_not_fail(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.unreachable = 10
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED
    assert cloud.effects == ["a"]


def test_a_cloud_that_stays_away_fails_the_action_in_the_end(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.unreachable = 1_000_000
    policy = ExecutionPolicy(max_parallel=1, poll_interval=0.01, unreachable_limit=0.1)
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive(policy=policy).state is PlanState.FAILED
    (shown,) = bench.board.all()
    assert str(shown.because) == "The cloud could not be reached: 503"


def test_while_the_state_of_an_effect_is_unknown_its_progress_says_why(
    event_log: EventLog,
) -> None:
    class Blurred(ReferenceCloud):
        """Its records do not show what became of an effect."""

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            return Observation(Phase.UNKNOWN, {}, Cause(OUTCOME_UNKNOWN, {"error": "archived"}))

    bench = Bench(event_log, Blurred(deadline=0.05), action("a"))
    assert bench.drive().state is PlanState.FAILED
    (shown,) = bench.board.all()
    assert (shown.percent, str(shown.because)) == (None, "the outcome is unknown: archived")


def test_an_unknown_action_type_fails_and_the_others_go_on(event_log: EventLog) -> None:
    bench = Bench(event_log, ReferenceCloud(), action("a", kind="nosuch"), action("b"))
    assert bench.drive().state is PlanState.FAILED
    assert bench.states() == [ActionState.FAILED, ActionState.SUCCEEDED]


def test_stopping_leaves_running_effects_to_a_successor(event_log: EventLog) -> None:
    cloud = ReferenceCloud()
    cloud.hang = True
    stop = threading.Event()
    cloud.after.append(lambda _: stop.set())
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive(stop=stop).state is PlanState.ONGOING
    assert bench.topics()[-1] == "plan.action-acknowledged"
    cloud.hang = False
    assert bench.drive(takeover=LOST).state is PlanState.SUCCEEDED
    assert cloud.effects == ["a"]


def test_resumed_actions_do_not_wait_for_each_other(event_log: EventLog) -> None:
    """An applier that may execute fewer actions at once than its predecessor."""

    class Chained(ReferenceCloud):
        """The effect on ``a`` takes as long as the other two."""

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            if parameters["resource_id"] == "a" and bench.states().count(ActionState.SUCCEEDED) < 2:
                return Observation(Phase.RUNNING, {})
            return super().observe(parameters, before, receipt)

    bench = Bench(event_log, Chained(), *map(action, "abc"))
    session, epoch = bench.claim()
    intent: JsonObject = {"before": {"effects": 0}, "deadline": 60.0}

    def start(one: Action) -> None:
        session.run(lambda p, ctx: p.intend_action(ctx, epoch, one.spec.id, intent))
        bench.cloud.start(one.spec.parameters, {})

    for one in session.state.ready():
        start(one)
    plan = bench.drive(takeover=LOST, policy=replace(POLICY, max_parallel=1))
    assert plan.state is PlanState.SUCCEEDED
    assert bench.cloud.effects == ["a", "b", "c"]


def test_many_actions_at_once_are_each_executed_once(event_log: EventLog) -> None:
    resources = [f"r{number}" for number in range(24)]
    bench = Bench(event_log, ReferenceCloud(), *map(action, resources))
    assert bench.drive(policy=replace(POLICY, max_parallel=8)).state is PlanState.SUCCEEDED
    assert sorted(bench.cloud.effects) == sorted(resources)
    for topic in ("intended", "acknowledged", "succeeded"):
        assert bench.topics().count(f"plan.action-{topic}") == len(resources)


def test_a_log_that_stays_away_ends_the_execution_of_all_actions(event_log: EventLog) -> None:
    """Its applier claims the plan again later; no thread is left that works under the old claim."""

    class Failing(ReferenceCloud):
        """The log is away when the effect on ``a`` is to be concluded."""

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            if parameters["resource_id"] == "a" and len(self.effects) == 2:
                raise_from_log.set()
            return super().observe(parameters, before, receipt)

    raise_from_log = threading.Event()
    bench = Bench(event_log, Failing(), action("a"), action("b"))
    bench.cloud.hang = True

    class Session(AggregateSession[ActionPlan]):
        def refresh(self) -> ActionPlan:
            if raise_from_log.is_set():
                raise EventLogUnavailable("away")
            return super().refresh()

    session = Session(event_log, CLOCK, ActionPlan, bench.id, METADATA)
    epoch = session.run(lambda p, ctx: p.claim(ctx, "me", "here"))
    with pytest.raises(EventLogUnavailable):
        bench.execution(session, epoch).run(threading.Event())
    assert not [one for one in threading.enumerate() if one.name.startswith("action")]


def test_a_cancel_while_an_action_is_checked_does_not_stop_the_driving(
    event_log: EventLog,
) -> None:
    """The verdict on an action that the cancel had ended was a surprise.

    The applier believed that the plan was another's, and left a running migration unwatched until
    the next sweep.
    """

    class Slow(ReferenceCloud):
        """A user cancels while ``b`` is checked; the check ends once the cancel was carried out."""

        def check(self, parameters: JsonObject) -> Verdict:
            if parameters["resource_id"] == "b":
                while bench.states()[0] is not ActionState.ONGOING:
                    CLOCK.sleep(0.005)
                bench.cancel()
                while ActionState.CANCELLED not in bench.states():
                    CLOCK.sleep(0.005)
                return SKIP
            return super().check(parameters)

    bench = Bench(event_log, Slow(looks=20), action("a"), action("b"))
    assert bench.drive().state is PlanState.CANCELLED
    assert bench.states() == [ActionState.SUCCEEDED, ActionState.CANCELLED]


def test_a_cancel_just_before_the_intent_does_not_stop_the_driving(event_log: EventLog) -> None:
    """Between the look at the plan and the word that the action begins: that word was refused.

    The applier believed that the plan was another's, and left the other migrations unwatched.
    """

    class Hasty(ReferenceCloud):
        """A user cancels after the plan was looked at."""

        def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
            bench.cancel()
            return super().deadline(parameters, before)

    bench = Bench(event_log, Hasty(), action("a"))
    assert bench.drive().state is PlanState.CANCELLED
    assert bench.states() == [ActionState.CANCELLED]
    assert bench.cloud.effects == []


def test_a_stop_while_an_action_is_checked_has_no_effect_any_more(event_log: EventLog) -> None:
    """An applier that was told to stop began another migration, and forgot its receipt."""
    stop = threading.Event()

    class Stopping(ReferenceCloud):
        """The applier is told to stop during the check."""

        def check(self, parameters: JsonObject) -> Verdict:
            stop.set()
            return super().check(parameters)

    bench = Bench(event_log, Stopping(), action("a"))
    assert bench.drive(stop=stop).state is PlanState.ONGOING
    assert bench.cloud.effects == []
    assert bench.topics()[-1] == "plan.claimed"


def test_a_cloud_that_refuses_to_show_an_effect_is_asked_again(event_log: EventLog) -> None:
    """A password was changed during a migration: six seconds later the action was FAILED.

    It said "internal error", and the server arrived a minute later.
    """

    class Forbidding(ReferenceCloud):
        """The first looks are forbidden."""

        forbidden = 10

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            if self.forbidden:
                self.forbidden -= 1
                raise CloudRefused(FORBIDDEN)
            return super().observe(parameters, before, receipt)

    bench = Bench(event_log, Forbidding(), action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED


def test_a_cloud_that_refuses_to_show_an_effect_for_too_long_fails_it_in_its_words(
    event_log: EventLog,
) -> None:
    class Forbidding(ReferenceCloud):
        """Looks are forbidden."""

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            raise CloudRefused(FORBIDDEN)

    bench = Bench(event_log, Forbidding(), action("a"))
    plan = bench.drive(policy=replace(POLICY, unreachable_limit=0.1))
    assert plan.state is PlanState.FAILED
    assert next(iter(plan.actions.values())).because == FORBIDDEN


def test_the_settle_time_begins_when_the_answer_was_lost(event_log: EventLog) -> None:
    """A request waited in a proxy until we hung up after three minutes.

    The ten seconds in which it might still arrive were long over by then: a second one was sent
    at once, and the first arrived after it.
    """

    class Waiting(ReferenceCloud):
        """The first request is answered by a time-out, and arrives a moment after it."""

        def __init__(self) -> None:
            super().__init__()
            self.late: list[threading.Timer] = []

        def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
            if self.late:
                return super().start(parameters, before)
            CLOCK.sleep(3 * POLICY.settle_time)
            self.late.append(
                threading.Timer(POLICY.settle_time / 2, super().start, [parameters, {}])
            )
            self.late[0].start()
            raise CloudUnreachable("time-out")

    cloud = Waiting()
    assert Bench(event_log, cloud, action("a")).drive().state is PlanState.SUCCEEDED
    for late in cloud.late:
        late.join()
    assert cloud.effects == ["a"]


def test_the_settle_time_begins_anew_when_an_outage_ends(event_log: EventLog) -> None:
    """Nova's database stood still: the request hung in its API, and so did our looks at it.

    When it went on, the first look saw nothing yet, a second request was sent, and both were had.
    """

    patient = replace(POLICY, settle_time=0.5)  # half of it is long on a loaded machine

    class Stalled(ReferenceCloud):
        """No look is answered for a while; the request goes on just after the first that is."""

        def __init__(self) -> None:
            super().__init__()
            self.late: list[threading.Timer] = []

        def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
            if self.late:
                return super().start(parameters, before)
            self.unreachable = 3 * round(patient.settle_time / patient.poll_interval)
            self.late.append(threading.Timer(0.0, super().start, [parameters, {}]))
            raise CloudUnreachable("time-out")

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            seen = super().observe(parameters, before, receipt)
            if seen.phase is Phase.NEVER_STARTED and not self.late[0].ident:
                self.late[0].interval = patient.settle_time / 2
                self.late[0].start()
            return seen

    cloud = Stalled()
    assert Bench(event_log, cloud, action("a")).drive(policy=patient).state is PlanState.SUCCEEDED
    cloud.late[0].join()
    assert cloud.effects == ["a"]


class Jumping(SystemClock):
    """A wall clock that somebody sets."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_wall_clock_that_is_set_moves_no_deadline(event_log: EventLog, hours: int) -> None:
    """A clock that was set forward aborted every migration; set back, none was ever given up."""
    clock = Jumping()
    cloud = ReferenceCloud(looks=10, deadline=30.0 if hours > 0 else 0.1)
    cloud.hang = hours < 0
    cloud.after.append(lambda _: setattr(clock, "ahead", timedelta(hours=hours)))
    bench = Bench(event_log, cloud, action("a"))
    plan = bench.drive(clock=clock)
    assert plan.state is (PlanState.SUCCEEDED if hours > 0 else PlanState.FAILED)
    assert cloud.aborted == ([] if hours > 0 else ["a"])


def test_the_deadline_counts_from_the_first_attempt(event_log: EventLog) -> None:
    class Hurrying(SystemClock):
        """Its seconds pass at once when a test says so."""

        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

    def gets_lost(resource: str) -> None:
        clock.ahead = 100.0
        loses_the_reply(resource)

    clock, cloud = Hurrying(), ReferenceCloud(looks=100, deadline=100.0)
    cloud.before.append(gets_lost)
    bench = Bench(event_log, cloud, action("a"))
    assert bench.drive(clock=clock).state is PlanState.FAILED
    assert (cloud.effects, cloud.aborted) == (["a"], ["a"])


def test_progress_that_cannot_be_shown_hinders_nobody(event_log: EventLog) -> None:
    """The read models' database was away for a moment, and plans were dropped where they were."""

    class Away(ReferenceProgressBoard):
        """Cannot be written to."""

        def put(self, progress: Progress) -> None:
            raise StoreUnavailable("locked")

    bench = Bench(event_log, ReferenceCloud(looks=5), action("a"))
    bench.board = Away()
    assert bench.drive().state is PlanState.SUCCEEDED


def test_a_failure_names_the_resource_beside_its_id(event_log: EventLog) -> None:
    """A failed migration named two uuids, and whose server it was had to be looked up."""
    cloud = ReferenceCloud()
    cloud.verdicts = {"s": FAIL}
    given: JsonObject = {"resource_name": "web-1"}
    named = PlannedAction(ProposedAction("act", "s", given, Cause(FREES_HOST)), ())
    bench = Bench(event_log, cloud, named)
    (one,) = bench.drive().actions.values()
    assert str(one.because) == "the cloud refused to migrate server web-1 (s): no"
    assert one.because is not None
    assert one.because.reason == MIGRATION_REFUSED
