from datetime import timedelta
from typing import Any, cast

import pytest

from application.ports.cloud import CLOUD_UNREACHABLE
from domain.audits import Audit, AuditDefinition, AuditState, AuditType, RunCause
from domain.audits.audit import DELETABLE, TRANSITIONS, USER_TRANSITIONS
from domain.audits.reasons import STRATEGY_FAILED
from domain.kernel.aggregate import Event
from domain.kernel.errors import DeleteRefused, Fenced, IllegalTransition, InvalidValue, Refusal
from domain.kernel.ids import run_id
from domain.kernel.reasons import OWNER_LOST, Cause
from tests.given import NOON, context, happened, ident, replayed

LOST = Cause(OWNER_LOST, {"owner": "a", "successor": "b"})


def definition(kind: AuditType = AuditType.ONESHOT, **changes: Any) -> AuditDefinition:
    fields: dict[str, Any] = {
        "name": "nightly",
        "audit_type": kind,
        "goal": "server_consolidation",
        "strategy": None,
        "parameters": {},
        "scope": [],
        "interval": "60" if kind is AuditType.CONTINUOUS else None,
    }
    return AuditDefinition(**{**fields, **changes})


def requested(kind: AuditType = AuditType.ONESHOT, **changes: Any) -> Audit:
    return Audit.request(context(), ident(1), definition(kind, **changes))


def claimed(kind: AuditType = AuditType.ONESHOT) -> tuple[Audit, int]:
    audit = requested(kind)
    if audit.run is None:
        audit.request_run(context(1), NOON + timedelta(seconds=1), RunCause.SCHEDULE)
    assert audit.run is not None
    epoch = audit.claim_run(context(2), audit.run.id, "worker-a", "host-a")
    audit.collect_events()
    return audit, epoch


def open_run(audit: Audit) -> Any:
    assert audit.run is not None
    return audit.run.id


def test_a_oneshot_audit_asks_for_its_run_when_it_is_requested() -> None:
    audit = requested()
    assert audit.state is AuditState.PENDING
    assert open_run(audit) == run_id(audit.id, NOON)
    assert happened(audit) == ["audit.requested", "audit.run-requested"]


@pytest.mark.parametrize("kind", [AuditType.CONTINUOUS, AuditType.EVENT])
def test_other_audits_wait_for_their_trigger(kind: AuditType) -> None:
    assert requested(kind).run is None


def test_a_continuous_audit_needs_an_interval() -> None:
    with pytest.raises(InvalidValue, match="interval: is required"):
        requested(AuditType.CONTINUOUS, interval=None)


@pytest.mark.parametrize("changes", [{"interval": "60"}, {"start_time": NOON}, {"end_time": NOON}])
def test_a_oneshot_audit_has_no_schedule(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(changes))):
        requested(**changes)


def test_one_run_is_open_at_a_time() -> None:
    audit = requested(AuditType.CONTINUOUS)
    audit.request_run(context(), NOON, RunCause.SCHEDULE)
    with pytest.raises(Refusal, match="open run"):
        audit.request_run(context(60), NOON + timedelta(seconds=60), RunCause.SCHEDULE)


def test_a_run_that_was_due_is_not_requested_again() -> None:
    audit, epoch = claimed(AuditType.CONTINUOUS)
    due = audit.last_due
    assert due is not None
    audit.succeed_run(context(3), open_run(audit), epoch, ident(9))
    with pytest.raises(Refusal, match="already had"):
        audit.request_run(context(4), due, RunCause.SCHEDULE)


def test_a_held_run_is_not_claimed_by_another() -> None:
    audit, _ = claimed()
    with pytest.raises(Refusal, match="held by worker-a"):
        audit.claim_run(context(3), open_run(audit), "worker-b", "host-b")


def test_a_takeover_raises_the_epoch_and_fences_the_former_owner() -> None:
    audit, old = claimed()
    run = open_run(audit)
    new = audit.claim_run(context(3), run, "worker-b", "host-b", takeover=LOST)
    assert new == old + 1
    with pytest.raises(Fenced):
        audit.succeed_run(context(4), run, old, ident(9))
    audit.succeed_run(context(5), run, new, ident(9))
    assert audit.state is AuditState.SUCCEEDED


def test_a_cancelled_audit_is_not_revived_by_a_late_success() -> None:
    audit, epoch = claimed()
    run = open_run(audit)
    audit.move(context(3), AuditState.CANCELLED)
    with pytest.raises(Refusal, match="is over"):
        audit.succeed_run(context(4), run, epoch, ident(9))
    assert audit.state is AuditState.CANCELLED


def test_a_failed_run_does_not_end_a_continuous_audit() -> None:
    audit, epoch = claimed(AuditType.CONTINUOUS)
    audit.fail_run(context(3), open_run(audit), epoch, Cause(STRATEGY_FAILED))
    assert audit.state is AuditState.ONGOING
    assert audit.because is not None
    audit.request_run(context(60), NOON + timedelta(seconds=60), RunCause.SCHEDULE)


def test_a_failed_event_audit_can_be_triggered_again() -> None:
    audit, epoch = claimed(AuditType.EVENT)
    audit.fail_run(context(3), open_run(audit), epoch, Cause(STRATEGY_FAILED))
    assert audit.state is AuditState.FAILED
    audit.request_run(context(9), NOON + timedelta(seconds=9), RunCause.WEBHOOK)


def test_an_event_audit_succeeds_on_its_second_run_too() -> None:
    """The original wedged in ONGOING on the second run (hazard C4)."""
    audit, epoch = claimed(AuditType.EVENT)
    audit.succeed_run(context(3), open_run(audit), epoch, ident(9))
    audit.request_run(context(9), NOON + timedelta(seconds=9), RunCause.WEBHOOK)
    epoch = audit.claim_run(context(10), open_run(audit), "w", "h")
    audit.succeed_run(context(11), open_run(audit), epoch, ident(10))
    assert audit.state is AuditState.SUCCEEDED


def test_a_deferred_run_is_claimable_again_only_when_its_time_has_come() -> None:
    audit, epoch = claimed()
    run = open_run(audit)
    later = NOON + timedelta(seconds=30)
    audit.defer_run(context(3), run, epoch, Cause(CLOUD_UNREACHABLE), later)
    with pytest.raises(Refusal, match="deferred"):
        audit.claim_run(context(29), run, "worker-b", "host-b")
    assert audit.claim_run(context(30), run, "worker-b", "host-b") == epoch + 1


def test_suspending_closes_the_open_run_and_resuming_allows_the_next() -> None:
    audit, _ = claimed(AuditType.CONTINUOUS)
    audit.move(context(3), AuditState.SUSPENDED)
    assert audit.run is None
    with pytest.raises(Refusal, match="SUSPENDED"):
        audit.request_run(context(60), NOON + timedelta(seconds=60), RunCause.SCHEDULE)
    audit.move(context(61), AuditState.ONGOING)
    audit.request_run(context(62), NOON + timedelta(seconds=62), RunCause.SCHEDULE)


@pytest.mark.parametrize("kind", [AuditType.ONESHOT, AuditType.EVENT])
def test_an_audit_without_a_schedule_that_is_resumed_has_the_run_that_was_cut_off(
    kind: AuditType,
) -> None:
    """It stayed ONGOING for ever: nobody asked for a run, and webhooks were refused."""
    audit, _ = claimed(kind)
    cut_off = open_run(audit)
    audit.move(context(3), AuditState.SUSPENDED)
    audit.move(context(61), AuditState.ONGOING)
    run = open_run(audit)
    assert run != cut_off
    epoch = audit.claim_run(context(62), run, "worker-b", "host-b")
    audit.succeed_run(context(63), run, epoch, ident(9))
    assert audit.state is AuditState.SUCCEEDED


def test_a_resumed_audit_has_its_run_though_the_clock_was_set_back() -> None:
    audit, _ = claimed(AuditType.ONESHOT)
    audit.move(context(3), AuditState.SUSPENDED)
    audit.move(context(-60), AuditState.ONGOING)
    assert audit.run is not None


def test_an_audit_expires_when_its_end_time_has_passed() -> None:
    audit = requested(AuditType.CONTINUOUS, end_time=NOON + timedelta(seconds=10))
    with pytest.raises(Refusal, match="has not passed"):
        audit.expire(context(9))
    audit.expire(context(10))
    assert audit.state is AuditState.SUCCEEDED


@pytest.mark.parametrize("state", sorted(AuditState))
def test_deletion_is_allowed_exactly_where_the_contract_says(state: AuditState) -> None:
    audit = requested()
    audit.state = state
    if state in DELETABLE:
        audit.delete(context(1))
        assert audit.state is AuditState.DELETED
    else:
        with pytest.raises(DeleteRefused, match="Couldn't delete when state is"):
            audit.delete(context(1))


@pytest.mark.parametrize("old", sorted(AuditState))
@pytest.mark.parametrize("new", sorted(AuditState))
def test_a_user_moves_an_audit_exactly_along_the_contracts_arrows(
    old: AuditState, new: AuditState
) -> None:
    audit = requested(AuditType.CONTINUOUS)
    audit.state = old
    if USER_TRANSITIONS.allows(old, new):
        audit.move(context(1), new)
        assert audit.state is new
        assert TRANSITIONS.allows(old, new)
    else:
        with pytest.raises(IllegalTransition, match="State transition not allowed"):
            audit.move(context(1), new)


def test_changes_count_from_the_next_run_and_only_for_changeable_attributes() -> None:
    audit = requested(AuditType.CONTINUOUS)
    audit.change(context(1), {"interval": "90", "end_time": "2026-12-01T00:00:00+00:00"})
    assert audit.interval == "90"
    assert audit.end_time is not None
    with pytest.raises(InvalidValue, match="goal"):
        audit.change(context(2), {"goal": "dummy"})


def test_the_events_fold_to_the_state_that_decided_them() -> None:
    audit = requested()
    epoch = audit.claim_run(context(2), open_run(audit), "w", "h")
    audit.record_inputs(context(3), open_run(audit), epoch, digest="d", strategy="s")
    audit.succeed_run(context(4), open_run(audit), epoch, ident(9))
    audit.delete(context(5))
    events = cast("list[Event]", audit.collect_events())
    assert vars(replayed(events)) == vars(audit)


def test_every_event_carries_who_and_the_run_it_belongs_to() -> None:
    audit = requested()
    run = open_run(audit)
    audit.claim_run(context(2), run, "w", "h")
    events = cast("list[Event]", audit.collect_events())
    assert {event.metadata.actor.name for event in events} == {"admin"}
    assert [event.metadata.correlation_id for event in events] == [None, run, run]
