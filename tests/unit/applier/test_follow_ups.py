"""What was still running when its action failed is watched until the cloud ends it."""

from collections.abc import Callable, Collection

import pytest

from application.applier.follow_ups import FollowUps
from application.ports.event_log import Entry, EventLog
from domain.kernel.errors import Refusal
from domain.kernel.metadata import Context
from domain.plans import ActionState, PlanState
from domain.plans.events import ActionFollowedUp
from domain.plans.following import MOST_LATE_STEPS
from domain.plans.reasons import STILL_RUNNING
from tests.unit.applier.bench import CLOCK, METADATA, Bench, action
from tests.unit.applier.reference_cloud import ReferenceCloud, loses_the_reply, refuses
from tests.unit.applier.test_stopping import Unstoppable, reason_of


def left_behind(log: EventLog, *, waits: bool = True) -> Bench:
    """A failed action of which the cloud still shows the effect; it needs a confirmation later."""
    cloud = Unstoppable(deadline=0.05)
    cloud.hang = True
    cloud.step = "confirm" if waits else None
    bench = Bench(log, cloud, action("a"))
    assert bench.drive().state is PlanState.FAILED
    assert reason_of(bench) == STILL_RUNNING
    return bench


def follower(
    bench: Bench, fresh: Callable[[], bool] = lambda: True, settle_time: float = 0.0
) -> FollowUps:
    handlers = {"act": bench.cloud}
    return FollowUps(
        bench.log, CLOCK, handlers, fresh=fresh, settle_time=settle_time, metadata=METADATA
    )


def looks(follow: FollowUps, times: int) -> None:
    for _ in range(times):
        follow.look()


def outcomes(bench: Bench) -> list[ActionFollowedUp]:
    events = [getattr(entry, "event", None) for entry in bench.log.history(bench.id)]
    return [one for one in events if isinstance(one, ActionFollowedUp)]


def test_what_arrives_after_its_action_failed_is_confirmed_once(event_log: EventLog) -> None:
    """The server stayed in VERIFY_RESIZE, with its resources on both hosts."""
    bench = left_behind(event_log)
    follow = follower(bench)
    follow.look()
    assert (bench.cloud.advanced, outcomes(bench)) == ([], []), "it is still running"
    bench.cloud.hang = False
    looks(follow, 5)
    assert bench.cloud.advanced == ["a"]
    (end,) = outcomes(bench)
    assert (end.because, end.facts) == (None, {"host": "b"})
    assert bench.states() == [ActionState.FAILED], "its plan has ended with it"
    assert bench.plan().state is PlanState.FAILED


def test_what_was_searched_is_not_searched_again(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a failed action, each look read the whole log."""
    bench = Bench(event_log, ReferenceCloud(), action("a"))
    assert bench.drive().state is PlanState.SUCCEEDED
    follow = follower(bench)
    follow.look()
    searched: list[int] = []
    read = event_log.read

    def noting(after: int, limit: int, topics: Collection[str] = ()) -> list[Entry]:
        searched.append(after)
        return read(after, limit, topics)

    monkeypatch.setattr(event_log, "read", noting)
    follow.look()
    assert searched == [event_log.end()]


def test_another_applier_goes_on_after_a_crash(event_log: EventLog) -> None:
    """It died between the intent of the confirmation and its request, and after the request."""
    bench = left_behind(event_log)
    bench.cloud.hang = False

    def dies(_: str) -> None:
        raise KeyboardInterrupt

    bench.cloud.before.append(dies)
    bench.cloud.after.append(dies)
    for _ in range(2):
        follow = follower(bench)
        with pytest.raises(KeyboardInterrupt):
            looks(follow, 3)
    looks(follower(bench), 3)
    assert bench.cloud.advanced == ["a"]
    assert len(outcomes(bench)) == 1


def test_of_two_appliers_one_requests_the_step(event_log: EventLog) -> None:
    bench = left_behind(event_log)
    bench.cloud.hang = False
    first, second = follower(bench), follower(bench, settle_time=60.0)
    bench.cloud.before.append(lambda _: second.look())  # the first has appended its intent
    first.look()
    second.look()
    assert bench.cloud.advanced == ["a"]
    first.look()
    second.look()
    assert len(outcomes(bench)) == 1


def test_a_lost_reply_a_refusal_and_an_outage_are_followed_by_another_look(
    event_log: EventLog,
) -> None:
    bench = left_behind(event_log)
    bench.cloud.hang = False
    bench.cloud.before.extend([refuses, loses_the_reply])
    bench.cloud.unreachable = 2
    follow = follower(bench)
    looks(follow, 12)
    assert bench.cloud.advanced == ["a"]
    assert len(outcomes(bench)) == 1


def test_what_the_cloud_ends_without_effect_is_recorded_with_its_reason(
    event_log: EventLog,
) -> None:
    bench = left_behind(event_log, waits=False)
    bench.cloud.aborted.append("a")
    follower(bench).look()
    (end,) = outcomes(bench)
    assert end.because is not None
    assert "was aborted" in str(end.because)


def test_an_applier_whose_heart_does_not_beat_requests_nothing(event_log: EventLog) -> None:
    bench = left_behind(event_log)
    bench.cloud.hang = False
    follow = follower(bench, fresh=lambda: False)
    looks(follow, 3)
    assert bench.cloud.advanced == []
    assert bench.topics().count("plan.action-step-intended") == 0


def test_a_step_that_ends_its_appliers_is_not_requested_for_ever(event_log: EventLog) -> None:
    bench = left_behind(event_log)
    bench.cloud.hang = False
    bench.cloud.before.extend([refuses] * 100)
    follow = follower(bench)
    looks(follow, 3 * MOST_LATE_STEPS)
    assert bench.topics().count("plan.action-step-intended") == MOST_LATE_STEPS
    (one,) = bench.plan().still_running()
    with pytest.raises(Refusal, match="was requested 20 times"):
        bench.plan().intend_late_step(
            Context(CLOCK.now(), METADATA), one.spec.id, "confirm", one.late_steps
        )
