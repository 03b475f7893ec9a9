"""The lives of audits and plans, saved event by event as the roles do it."""

from application.ports.event_log import EventLog
from domain.audits import Audit, AuditState, AuditType, RunCause
from domain.catalogue import PluginCatalogue
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan, PlanState
from domain.plans.plan_in_execution import ABORT
from domain.plans.reasons import ABORTED_BY_CANCEL, MIGRATION_FAILED
from domain.plans.verification import PLAN_HAS_UNKNOWN_ACTION
from domain.services import ServiceState, WatchedService
from tests.given import context, ident
from tests.world.histories import installed
from tests.world.values import RESULTS, definition, migrations, proposal, started

FAILED = Cause(MIGRATION_FAILED, {"migration": "m-1", "server": "vm-1", "status": "error"})
STRATEGY_BROKE = Cause("strategy-failed", {"error": "boom"}, "The strategy failed: boom")
ABORTED = Cause(ABORTED_BY_CANCEL)
PLAN_REFUSED = Cause(PLAN_HAS_UNKNOWN_ACTION, {"action": 1, "type": "fly"})


def catalogue(log: EventLog) -> None:
    """The plug-ins of an installation."""
    made = PluginCatalogue.open(context())
    started(made, context(), installed())
    log.save(made)


def audit(log: EventLog, number: int, *, kind: AuditType = AuditType.ONESHOT) -> Audit:
    """An audit that was requested."""
    wanted = definition(kind, name=f"audit {number}", strategy="basic", scope=[{"compute": []}])
    made = Audit.request(context(1), ident(number), wanted)
    log.save(made)
    return made


def failed_run(log: EventLog, number: int, because: Cause) -> Audit:
    """An audit whose run failed."""
    made = audit(log, number)
    assert made.run is not None
    run = made.run.id
    epoch = made.claim_run(context(2), run, "engine/1", "host-1")
    made.fail_run(context(3), run, epoch, because)
    log.save(made)
    return made


def plan(log: EventLog, number: int, actions: int = 2) -> tuple[Audit, ActionPlan]:
    """A plan that the run of an audit published."""
    made = audit(log, number)
    assert made.run is not None
    run = made.run.id
    epoch = made.claim_run(context(2), run, "engine/1", "host-1")
    made.record_inputs(context(2), run, epoch, digest="d" * 64, strategy="basic")
    proposed = ActionPlan.propose(
        context(3), proposal(made.id, run, migrations(actions), **RESULTS)
    )
    made.succeed_run(context(3), run, epoch, proposed.id)
    log.save(made, proposed)
    return made, proposed


def executed(log: EventLog, number: int, *outcomes: Cause | None) -> ActionPlan:
    """A plan whose actions ended: a reason for each that failed, None for each that succeeded."""
    _, made = plan(log, number, len(outcomes))
    made.launch(context(4))
    epoch = made.claim(context(5), "applier/1", "host-1")
    for moment, (action, because) in enumerate(zip(list(made.actions), outcomes, strict=True), 6):
        made.intend_action(context(moment), epoch, action, {})
        if because is None:
            made.succeed_action(context(moment + 0.5), epoch, action, {})
        else:
            made.fail_action(context(moment + 0.5), epoch, action, because)
    log.save(made)
    return made


def cancelled(log: EventLog, number: int, *, first: Cause | None) -> ActionPlan:
    """A plan that a user cancelled while its first action was in progress.

    Args:
        log: the event log.
        number: of its audit.
        first: why the first action failed; None: it succeeded.
    """
    _, made = plan(log, number, 2)
    made.launch(context(4))
    epoch = made.claim(context(5), "applier/1", "host-1")
    action = next(iter(made.actions))
    made.intend_action(context(6), epoch, action, {})
    made.move(context(7), PlanState.CANCELLING)
    made.stop(context(8), epoch)
    if first is None:
        made.succeed_action(context(9), epoch, action, {})
    else:
        made.fail_action(context(9), epoch, action, first)
    log.save(made)
    return made


def cancelled_too_late(log: EventLog, number: int, outcome: Cause | None) -> ActionPlan:
    """A plan that was cancelled while its only action was in progress, which was then aborted.

    Args:
        log: the event log.
        number: of its audit.
        outcome: why the action failed; ``ABORTED`` if it was cancelled, None if it succeeded.
    """
    _, made = plan(log, number, 1)
    made.launch(context(4))
    epoch = made.claim(context(5), "applier/1", "host-1")
    (action,) = made.actions
    made.intend_action(context(6), epoch, action, {})
    made.move(context(7), PlanState.CANCELLING)
    for moment in (8, 8.5):
        made.intend_step(context(moment), epoch, action, ABORT, ABORTED)
    if outcome is None:
        made.succeed_action(context(9), epoch, action, {})
    elif outcome == ABORTED:
        made.cancel_action(context(9), epoch, action, outcome)
    else:
        made.fail_action(context(9), epoch, action, outcome)
    log.save(made)
    return made


def service(log: EventLog) -> WatchedService:
    """A service that failed, and is active again."""
    seen = WatchedService.see(
        context(), "watcher-applier", "host-1", ServiceState.ACTIVE, context().at
    )
    seen.see_again(context(90), ServiceState.FAILED, context(50).at)
    seen.see_again(context(100), ServiceState.FAILED, context(50).at)
    seen.see_again(context(120), ServiceState.ACTIVE, context(119).at)
    log.save(seen)
    return seen


def every_life(log: EventLog) -> None:
    """A history that sends every type of notification."""
    catalogue(log)
    failed_run(log, 1, STRATEGY_BROKE)
    failed_run(log, 2, PLAN_REFUSED)
    executed(log, 3, None, FAILED)
    done = executed(log, 4, None)
    done.delete(context(20))
    log.save(done)
    cancelled(log, 5, first=None)
    cancelled_too_late(log, 6, None)
    cancelled_too_late(log, 7, FAILED)
    continuous = audit(log, 8, kind=AuditType.CONTINUOUS)
    continuous.request_run(context(61), context(61).at, RunCause.SCHEDULE)
    continuous.change(context(62), {"interval": "120"})
    continuous.move(context(63), AuditState.CANCELLED)
    continuous.move(context(64), AuditState.DELETED)
    log.save(continuous)
    service(log)
