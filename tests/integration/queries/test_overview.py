"""The overview of the installation, on real databases."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.read_models import ActionPlanView
from application.queries.estimates import PlanEstimate, PlanEstimates, RecentEstimates
from application.queries.overview import Overview
from application.queries.overview_query import SHOWN
from domain.audits import Audit, AuditState, AuditType, RunCause
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from domain.plans.estimate import Estimate
from domain.plans.reasons import EXPIRED, OUTCOME_UNKNOWN
from infrastructure.settings import load
from interfaces.bootstrap.overview import overview_query
from interfaces.bootstrap.queries import Queries
from tests.clocks import FixedClock, SkippingClock
from tests.given import NOON, context, ident
from tests.world.values import definition, migrations, proposal
from tests.world.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as opened:
        yield opened


def overview(world: World, now: datetime = NOON) -> Overview:
    settings = load(flags={"database.connection": world.url}, files=[]).settings
    with closing(Queries(settings)) as queries:
        return replace(overview_query(settings, queries), clock=FixedClock(now))()


def audit(number: int, kind: AuditType = AuditType.ONESHOT) -> Audit:
    return Audit.request(context(number), ident(number), definition(kind, name=f"audit {number}"))


def plan(number: int, actions: int = 1) -> ActionPlan:
    wanted = proposal(ident(number), ident(number), migrations(actions))
    return ActionPlan.propose(context(number), wanted)


def running(number: int, actions: int) -> tuple[ActionPlan, list[UUID]]:
    launched = plan(number, actions)
    launched.launch(context(number))
    launched.claim(context(number), "applier/1", "ctl-1")
    return launched, list(launched.actions)


def test_active_audits_and_plans_are_shown_however_many_newer_ones_have_ended(
    world: World,
) -> None:
    """Only the fifty newest were read: an older plan vanished while it was executed."""
    waiting, working, recommended = audit(1), running(2, 1)[0], plan(3)
    ended = [audit(100 + number) for number in range(SHOWN + 10)]
    expired = [plan(200 + number) for number in range(SHOWN + 10)]
    for one in ended:
        one.move(context(300), AuditState.CANCELLED)
    for one_plan in expired:
        one_plan.supersede(context(300), Cause(EXPIRED, {"hours": 24}))
    world.save(waiting, working, recommended, *ended, *expired)
    found = overview(world)
    assert [one.uuid for one in found.audits[:2]] == [waiting.id, ended[-1].id]
    assert [one.uuid for one in found.plans[:3]] == [working.id, recommended.id, expired[-1].id]
    assert len(found.audits) == len(found.plans) == SHOWN


def test_all_active_audits_are_shown_also_if_they_are_more_than_fifty(world: World) -> None:
    waiting = [audit(1 + number) for number in range(SHOWN + 10)]
    world.save(*waiting)
    assert len(overview(world).audits) == len(waiting)


def test_running_actions_of_a_plan_of_thousands_are_shown(world: World) -> None:
    """The first thousand actions were read, and of these the running ones were shown."""
    long, actions = running(1, 1001)
    for place in range(1001):
        long.intend_action(context(1), 1, actions[place], {})
        if place < 1000:
            long.succeed_action(context(1), 1, actions[place], {})
    world.save(long)
    (shown,) = overview(world).plans
    assert [one.uuid for one in shown.running] == [actions[1000]]
    assert (shown.succeeded, shown.ongoing, shown.total) == (1000, 1, 1001)


def test_actions_that_did_not_succeed_are_counted_apart(world: World) -> None:
    mixed = plan(1, 4)
    actions = list(mixed.actions)
    mixed.skip_by_user(context(1), actions[2], None)
    mixed.launch(context(1))
    mixed.claim(context(1), "applier/1", "ctl-1")
    mixed.intend_action(context(2), 1, actions[0], {})
    mixed.succeed_action(context(3), 1, actions[0], {})
    mixed.intend_action(context(4), 1, actions[1], {})
    mixed.fail_action(context(5), 1, actions[1], Cause(OUTCOME_UNKNOWN, {"error": "?"}))
    superseded = plan(2, 3)
    superseded.supersede(context(7), Cause(EXPIRED, {"hours": 24}))
    world.save(mixed, superseded)
    first, second = overview(world).plans
    assert (first.succeeded, first.failed, first.skipped, first.cancelled) == (1, 1, 1, 0)
    assert (first.ended, first.total) == (3, 4)
    assert (second.succeeded, second.cancelled, second.ended, second.total) == (0, 3, 3, 3)


def test_a_launched_plan_says_how_long_the_rest_takes(world: World) -> None:
    past, actions = running(1, 3)
    for action in actions:
        past.intend_action(context(0), 1, action, {})
        past.succeed_action(context(60), 1, action, {})
    launched, waiting = running(2, 3)[0], plan(3, 3)
    world.save(past, launched, waiting)
    rests = {one.uuid: one.rest for one in overview(world).plans}
    rest = rests.pop(launched.id)
    assert rest is not None
    assert rest.seconds == pytest.approx(180.0, abs=30)
    assert rests == {waiting.id: None, past.id: None}


class _SlowEstimates(PlanEstimates):
    """Takes ten seconds for a plan of which a thousand are left."""

    def __init__(self, clock: SkippingClock) -> None:
        self._passing = clock
        self.count = 0

    def of(self, plan: ActionPlanView) -> PlanEstimate:
        self._passing.sleep(10.0)
        self.count += 1
        return PlanEstimate(Estimate(1000.0), 3, ())


def test_a_viewer_does_not_estimate_a_large_plan_again_each_second(world: World) -> None:
    """Its screen stood still for as long as an estimate took, each time."""
    clock = SkippingClock()
    estimates = _SlowEstimates(clock)
    recent = RecentEstimates(estimates, clock)
    world.save(running(1, 1)[0])
    (shown,) = world.reads.active_plans()
    assert recent.rest(shown) == Estimate(1000.0)
    clock.sleep(150.0)
    assert recent.rest(shown) == Estimate(850.0)
    assert estimates.count == 1
    clock.sleep(60.0)
    assert recent.rest(shown) == Estimate(1000.0)
    assert recent.rest(replace(shown, state="CANCELLING")) == Estimate(1000.0)
    assert estimates.count == 3


@pytest.mark.parametrize("late", [0, 61, 600])
def test_the_next_run_of_a_continuous_audit_is_in_the_future(world: World, late: int) -> None:
    """During a run of ten minutes the next one was shown nine minutes in the past."""
    slow = audit(1, AuditType.CONTINUOUS)  # each minute
    slow.request_run(context(), NOON, RunCause.SCHEDULE)
    world.save(slow)
    now = NOON + timedelta(seconds=late)
    (shown,) = overview(world, now).audits
    assert shown.next_run_time is not None
    assert now < shown.next_run_time <= now + timedelta(minutes=1)
