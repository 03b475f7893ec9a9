"""Runs and plans that are being executed: runs wait, are forced or are cancelled."""

from functools import partial
from typing import Any

from application.decision_engine.engine import RunPolicy
from application.kernel.retry import RetryPolicy
from application.ports.cloud import CloudUnreachable
from domain.audits import Audit, AuditState, AuditType
from domain.audits.reasons import PLAN_IN_PROGRESS
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from domain.plans.reasons import SERVER_NOT_FOUND
from tests.world.engine import EngineWorld, reason, request_run, topics
from tests.world.world import CLOCK

DEFERRED_TWICE = RetryPolicy(first_pause=0.0, attempts=3)


def executing_plan(world: EngineWorld, **changes: Any) -> Any:
    first = world.request(**changes)
    world.work()
    (plan,) = world.find_plans(first)
    world.change(ActionPlan, plan.id, lambda one, ctx: one.launch(ctx))
    world.change(ActionPlan, plan.id, lambda one, ctx: one.claim(ctx, "applier", "here"))
    return plan.id


def test_a_oneshot_audit_is_cancelled_while_a_plan_is_executed(world: EngineWorld) -> None:
    executing_plan(world)
    audit = world.request()
    world.work()
    assert world.find_audit(audit).state is AuditState.CANCELLED
    assert reason(world, audit) == PLAN_IN_PROGRESS


def test_force_runs_an_audit_beside_a_plan_that_is_executed(world: EngineWorld) -> None:
    executing_plan(world)
    audit = world.request(force=True)
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED


def test_a_continuous_run_is_deferred_not_dropped_while_a_plan_is_executed(
    world: EngineWorld,
) -> None:
    """The original dropped the tick (hazard A6)."""
    plan = executing_plan(world)
    audit = world.request(AuditType.CONTINUOUS)
    world.tick()
    world.work()
    assert reason(world, audit) == PLAN_IN_PROGRESS
    world.change(ActionPlan, plan, skip_everything)
    world.work()
    assert len(world.find_plans(audit)) == 1


def test_waiting_for_another_plan_uses_up_no_attempt(world: EngineWorld) -> None:
    """A run that had waited for its turn was FAILED at the first hiccup of the cloud after it."""
    plan = executing_plan(world)
    audit = world.request(AuditType.CONTINUOUS)
    world.tick()
    engine = world.engine(policy=RunPolicy(DEFERRED_TWICE, plan_wait=0.0))
    world.work(engine, rounds=5)
    run = world.find_audit(audit).run
    assert run is not None
    assert (reason(world, audit), run.attempt) == (PLAN_IN_PROGRESS, 0)
    world.change(ActionPlan, plan, skip_everything)
    world.cloud.surprises = [CloudUnreachable("503"), CloudUnreachable("503")]
    world.work(engine, rounds=3)
    assert len(world.find_plans(audit)) == 1


def test_a_run_that_waits_for_another_plan_says_so_once(world: EngineWorld) -> None:
    """Each look at the plan that is being executed appended two events: in a day of it,
    thousands for each audit that waited.

    This holds for every engine that looks: the first may have been killed and started anew. Nor
    does a second plan that is executed change why it waits, as long as the first one is."""
    first, second = executing_plan(world), executing_plan(world, force=True)
    audit = world.request(AuditType.CONTINUOUS)
    world.tick()
    waits = ["audit.run-claimed", "audit.run-deferred"]
    told = [*topics(world, audit), *waits]
    for name in ("one", "one", "two"):
        world.work(world.engine(name), rounds=3)
        assert topics(world, audit) == told
        assert waiting_for(world, audit) == f"Action plan {first} is ongoing."
        (last,) = world.reads.timeline(aggregate_ids=[audit], limit=1, newest_first=True)
        assert last.summary == f"Run waiting: Action plan {first} is ongoing."
    world.change(ActionPlan, first, skip_everything)
    world.work(rounds=5)
    assert topics(world, audit) == [*told, *waits]
    assert waiting_for(world, audit) == f"Action plan {second} is ongoing."
    world.change(ActionPlan, second, skip_everything)
    world.work()
    assert len(world.find_plans(audit)) == 1
    assert waiting_for(world, audit) is None


def test_a_run_that_waits_says_so_again_after_something_else_was_said(world: EngineWorld) -> None:
    """What a user sees must tell why it waits, also after the user wrote something over it."""
    plan = executing_plan(world)
    audit = world.request(AuditType.CONTINUOUS)
    world.tick()
    world.work(rounds=2)
    world.change(Audit, audit, lambda one, ctx: one.move(ctx, AuditState.SUSPENDED))
    world.change(Audit, audit, lambda one, ctx: one.move(ctx, AuditState.ONGOING))
    world.change(Audit, audit, partial(request_run, due=CLOCK.now()))
    assert waiting_for(world, audit) is None
    world.work(rounds=2)
    assert waiting_for(world, audit) == f"Action plan {plan} is ongoing."


def test_an_engine_that_was_killed_at_the_gate_leaves_a_run_that_goes_on(
    world: EngineWorld,
) -> None:
    """Between its claim and what it meant to say."""
    plan = executing_plan(world)
    audit = world.request(AuditType.CONTINUOUS)
    world.tick()
    run = world.find_audit(audit).run
    assert run is not None
    world.engine("dead")
    world.change(Audit, audit, lambda one, ctx: one.claim_run(ctx, run.id, "engine/dead", "dead"))
    world.services.retire("engine/dead")
    world.work(rounds=3)
    assert waiting_for(world, audit) == f"Action plan {plan} is ongoing."
    assert topics(world, audit).count("audit.run-deferred") == 1
    world.change(ActionPlan, plan, skip_everything)
    world.work()
    assert len(world.find_plans(audit)) == 1


def waiting_for(world: EngineWorld, audit: Any) -> str | None:
    """The message that a user reads."""
    view = world.reads.audit(str(audit))
    assert view is not None
    return view.status_message


def skip_everything(plan: ActionPlan, ctx: Context) -> None:
    for action in list(plan.actions):
        plan.skip_action(ctx, plan.epoch, action, Cause(SERVER_NOT_FOUND))
