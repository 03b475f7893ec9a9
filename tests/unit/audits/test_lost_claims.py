"""Claims that were lost count against their run, and a run that lost too many of them fails."""

from datetime import timedelta
from typing import cast

import pytest

from application.ports.cloud import CLOUD_UNREACHABLE
from domain.audits import Audit, AuditDefinition, AuditState, AuditType, RunCause
from domain.audits.reasons import WORKERS_LOST
from domain.audits.run import LostClaim, Run
from domain.kernel.aggregate import Event
from domain.kernel.errors import Fenced
from domain.kernel.reasons import OWNER_LOST, OWNER_RESUMED, OWNER_RETIRED, Cause, Reason
from tests.given import NOON, context, happened, ident, replayed

AWAY = Cause(CLOUD_UNREACHABLE, {"error": "503"})


def because(reason: Reason, owner: str, successor: str) -> Cause:
    return Cause(reason, {"owner": owner, "successor": successor})


def requested(kind: AuditType = AuditType.ONESHOT) -> Audit:
    interval = "60" if kind is AuditType.CONTINUOUS else None
    definition = AuditDefinition("nightly", kind, "dummy", None, {}, [], interval)
    audit = Audit.request(context(), ident(1), definition)
    if audit.run is None:
        audit.request_run(context(1), NOON + timedelta(seconds=1), RunCause.SCHEDULE)
    return audit


def run_of(audit: Audit) -> Run:
    assert audit.run is not None
    return audit.run


def claim(audit: Audit, owner: str, reason: Reason | None = None) -> int:
    """A worker claims the run, taking it over for a reason if there is one."""
    run = run_of(audit)
    why = None if reason is None else because(reason, run.owner or "", owner)
    return audit.claim_run(context(10), run.id, owner, f"host-{owner}", takeover=why)


def twice_lost(kind: AuditType = AuditType.ONESHOT) -> tuple[Audit, int]:
    """A run that was claimed by a, b and c, of which a and b disappeared."""
    audit = requested(kind)
    claim(audit, "a")
    claim(audit, "b", OWNER_LOST)
    return audit, claim(audit, "c", OWNER_LOST)


def test_a_run_that_lost_fewer_workers_than_the_limit_goes_on() -> None:
    audit, epoch = twice_lost()
    audit.collect_events()
    assert not audit.give_up_run(context(11), run_of(audit).id, epoch, limit=3)
    assert happened(audit) == []
    audit.succeed_run(context(12), run_of(audit).id, epoch, ident(9))
    assert audit.state is AuditState.SUCCEEDED


def test_a_run_that_lost_as_many_workers_as_the_limit_fails_and_names_them() -> None:
    audit, epoch = twice_lost()
    audit.collect_events()
    assert audit.give_up_run(context(11), run_of(audit).id, epoch, limit=2)
    assert happened(audit) == ["audit.run-failed"]
    assert audit.state is AuditState.FAILED
    lost = [{"epoch": 1, "worker": "a"}, {"epoch": 2, "worker": "b"}]
    facts = {"count": 2, "last": "b", "lost": lost}
    assert audit.because == Cause(WORKERS_LOST, facts)
    assert str(audit.because) == (
        "Given up: 2 workers were lost while they worked on it, most recently b."
    )


def test_a_continuous_audit_goes_on_with_its_next_run_which_starts_without_a_record() -> None:
    audit, epoch = twice_lost(AuditType.CONTINUOUS)
    audit.give_up_run(context(11), run_of(audit).id, epoch, limit=2)
    assert audit.state is AuditState.ONGOING
    audit.request_run(context(61), NOON + timedelta(seconds=61), RunCause.SCHEDULE)
    assert run_of(audit).lost == ()


def test_only_the_holder_of_the_claim_may_give_a_run_up() -> None:
    audit, epoch = twice_lost()
    with pytest.raises(Fenced):
        audit.give_up_run(context(11), run_of(audit).id, epoch - 1, limit=1)


@pytest.mark.parametrize("reason", [OWNER_RETIRED, OWNER_RESUMED])
def test_a_worker_that_ended_in_good_order_is_no_loss(reason: Reason) -> None:
    audit = requested()
    claim(audit, "a")
    claim(audit, "b", reason)
    assert run_of(audit).lost == ()


def test_a_claim_that_was_given_back_is_no_loss_and_wipes_none_out() -> None:
    """A cloud that is away now and then must not keep a poison run alive for ever."""
    audit = requested()
    claim(audit, "a")
    epoch = claim(audit, "b", OWNER_LOST)
    audit.defer_run(context(11), run_of(audit).id, epoch, AWAY, context(11).at)
    audit.claim_run(context(12), run_of(audit).id, "c", "host-c")
    assert run_of(audit).lost == (LostClaim(1, "a"),)


def test_an_own_claim_that_was_taken_up_again_is_no_loss_in_old_logs_either() -> None:
    """After an outage of the database a worker takes up its own claim. The log used to tell that
    as the loss of a worker, with the same one as owner and successor."""
    audit = requested()
    claim(audit, "a")
    claim(audit, "a", OWNER_LOST)
    assert run_of(audit).lost == ()


def test_the_losses_are_counted_from_the_events_alone() -> None:
    """Every process may be killed in between: whoever comes next counts what the log says."""
    audit, _ = twice_lost()
    events = cast("list[Event]", audit.collect_events())
    again = replayed(events)
    assert isinstance(again, Audit)
    assert run_of(again).lost == (LostClaim(1, "a"), LostClaim(2, "b"))
    assert vars(again) == vars(audit)
