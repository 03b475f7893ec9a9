from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.audits.definition import AuditDefinition, AuditType
from domain.audits.events import (
    AuditCancelled,
    AuditChanged,
    AuditDeleted,
    AuditExpired,
    AuditInputsRecorded,
    AuditRequested,
    AuditResumed,
    AuditRunClaimed,
    AuditRunDeferred,
    AuditRunFailed,
    AuditRunRequested,
    AuditRunSucceeded,
    AuditState,
    AuditStateSet,
    AuditSuspended,
    RunCause,
)
from domain.audits.reasons import END_TIME_PASSED, NO_LATER_MATCH, SET_BY_USER
from domain.audits.run import Run
from domain.audits.schedule import following
from domain.kernel.aggregate import Aggregate, Event, JsonObject, evolves
from domain.kernel.errors import DeleteRefused, Fenced, InvalidValue, Refusal
from domain.kernel.ids import run_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import CANCELLED_BY_USER, Cause
from domain.kernel.transitions import Transitions

TRANSITIONS = Transitions[AuditState](
    "Audit",
    {
        AuditState.PENDING: {
            AuditState.ONGOING,
            AuditState.CANCELLED,
            AuditState.SUCCEEDED,  # a continuous audit whose end time passes before its first run
            AuditState.FAILED,
        },
        AuditState.ONGOING: {
            AuditState.SUCCEEDED,
            AuditState.FAILED,
            AuditState.CANCELLED,
            AuditState.SUSPENDED,
        },
        AuditState.SUSPENDED: {AuditState.ONGOING, AuditState.DELETED},
        AuditState.SUCCEEDED: {AuditState.ONGOING, AuditState.DELETED},  # EVENT audits run again
        AuditState.FAILED: {AuditState.ONGOING, AuditState.DELETED},  # EVENT audits run again
        AuditState.CANCELLED: {AuditState.DELETED},
    },
)
"""All transitions of the state of an audit."""

USER_TRANSITIONS = Transitions[AuditState](
    "Audit",
    {
        AuditState.PENDING: {AuditState.ONGOING, AuditState.CANCELLED},
        AuditState.ONGOING: {
            AuditState.SUCCEEDED,
            AuditState.FAILED,
            AuditState.CANCELLED,
            AuditState.SUSPENDED,
        },
        AuditState.SUSPENDED: {AuditState.ONGOING, AuditState.DELETED},
        AuditState.SUCCEEDED: {AuditState.DELETED},
        AuditState.FAILED: {AuditState.DELETED},
        AuditState.CANCELLED: {AuditState.DELETED},
    },
)
"""The transitions that a user may request (docs/api.md, "Audits")."""

DELETABLE = frozenset(
    {AuditState.SUCCEEDED, AuditState.FAILED, AuditState.CANCELLED, AuditState.SUSPENDED}
)
CHANGEABLE = frozenset(
    {"name", "interval", "start_time", "end_time", "auto_trigger", "force", "parameters", "scope"}
)


class Audit(Aggregate):
    """A request to optimise: its definition and its runs, at most one open at a time."""

    TOPIC = "audit"
    SNAPSHOTS = True

    name: str
    audit_type: AuditType
    goal: str
    strategy: str | None
    parameters: JsonObject
    scope: list[Any]
    interval: str | None
    auto_trigger: bool
    force: bool
    start_time: datetime | None
    end_time: datetime | None
    state: AuditState = AuditState.PENDING
    run: Run | None = None
    runs: int = 0
    last_due: datetime | None = None
    last_host: str | None = None
    record_digest: str | None = None
    because: Cause | None = None

    # -- decisions -------------------------------------------------------------------------------

    @classmethod
    def request(cls, ctx: Context, audit_id: UUID, definition: AuditDefinition) -> Self:
        """Creates an audit; the run of a ONESHOT audit is requested at once.

        Raises:
            InvalidValue: the interval or the times do not fit the type.
        """
        definition.check()
        audit = cls._new(AuditRequested, ctx, audit_id, **vars(definition))
        if audit.audit_type is AuditType.ONESHOT:
            audit.request_run(ctx, ctx.at, RunCause.CREATED)
        return audit

    def request_run(self, ctx: Context, due: datetime, cause: RunCause) -> UUID:
        """Requests the run that is due at ``due``; returns its id.

        Raises:
            Refusal: the audit has ended or is suspended, has an open run, or had a later run.
        """
        if not self._may_run():
            raise Refusal(f"Audit {self.id} is {self.state}: no run can be requested.")
        if self.run is not None:
            raise Refusal(f"Audit {self.id} has an open run already.")
        if self.last_due is not None and due <= self.last_due:
            raise Refusal(f"Audit {self.id} already had the run due at {due.isoformat()}.")
        run = run_id(self.id, due)
        self._trigger_run(AuditRunRequested, ctx, run, number=self.runs + 1, due=due, cause=cause)
        return run

    def claim_run(
        self, ctx: Context, run: UUID, owner: str, host: str, *, takeover: Cause | None = None
    ) -> int:
        """Claims the run for a worker; returns the epoch of the claim.

        Args:
            ctx: time and provenance.
            run: id of the run.
            owner: instance id of the worker.
            host: its host.
            takeover: why the current owner, if any, is replaced.

        Raises:
            Refusal: the run has ended, is deferred, or has another owner and no takeover.
        """
        current = self._open(run)
        if current.not_before is not None and ctx.at < current.not_before:
            raise Refusal(f"Run {run} is deferred until {current.not_before.isoformat()}.")
        if current.owner is not None and takeover is None:
            raise Refusal(f"Run {run} is held by {current.owner}.")
        epoch = current.epoch + 1
        self._trigger_run(
            AuditRunClaimed,
            ctx,
            run,
            epoch=epoch,
            owner=owner,
            host=host,
            because=takeover if current.owner is not None else None,
        )
        return epoch

    def give_up_run(self, ctx: Context, run: UUID, epoch: int, *, limit: int) -> bool:
        """Fails a run over which ``limit`` workers or more were lost; returns whether it did.

        Raises:
            Fenced: the epoch is not that of the latest claim.
        """
        current = self._fenced(run, epoch)
        if len(current.lost) < limit:
            return False
        self.fail_run(ctx, run, epoch, current.verdict())
        return True

    def record_inputs(
        self, ctx: Context, run: UUID, epoch: int, *, digest: str, strategy: str
    ) -> None:
        """Records the digest of the strategy's inputs."""
        self._fenced(run, epoch)
        self._trigger_run(
            AuditInputsRecorded, ctx, run, epoch=epoch, digest=digest, strategy=strategy
        )

    def defer_run(
        self,
        ctx: Context,
        run: UUID,
        epoch: int,
        because: Cause,
        not_before: datetime,
        *,
        tried: bool = True,
    ) -> None:
        """Releases the run until ``not_before``; ``tried`` counts an attempt."""
        current = self._fenced(run, epoch)
        self._trigger_run(
            AuditRunDeferred,
            ctx,
            run,
            epoch=epoch,
            because=because,
            not_before=not_before,
            attempt=current.attempt + tried,
        )

    def succeed_run(self, ctx: Context, run: UUID, epoch: int, plan: UUID) -> None:
        """Ends the run with its plan."""
        self._fenced(run, epoch)
        state = self._after_run(AuditState.SUCCEEDED)
        self._trigger_run(AuditRunSucceeded, ctx, run, epoch=epoch, plan_id=plan, state=state)

    def fail_run(self, ctx: Context, run: UUID, epoch: int, because: Cause) -> None:
        """Ends the run without a plan."""
        self._fenced(run, epoch)
        state = self._after_run(AuditState.FAILED)
        self._trigger_run(AuditRunFailed, ctx, run, epoch=epoch, because=because, state=state)

    def cancel(self, ctx: Context, because: Cause) -> None:
        """Cancels the audit; the result of a current run will be refused."""
        TRANSITIONS.check(self.state, AuditState.CANCELLED)
        self._trigger(AuditCancelled, ctx, because=because)

    def expire(self, ctx: Context) -> None:
        """Ends a continuous audit whose end time has passed."""
        if self.end_time is None or ctx.at < self.end_time:
            raise Refusal(f"The end time of audit {self.id} has not passed.")
        self._expire(ctx, Cause(END_TIME_PASSED))

    def exhaust(self, ctx: Context, interval: str) -> None:
        """Ends a continuous audit whose interval, a cron expression, has no later match."""
        if self.run is not None or self.interval != interval:
            raise Refusal(f"Audit {self.id} has an open run, or its interval was changed.")
        self._expire(ctx, Cause(NO_LATER_MATCH, {"interval": interval}))

    def _expire(self, ctx: Context, because: Cause) -> None:
        TRANSITIONS.check(self.state, AuditState.SUCCEEDED)
        self._trigger(AuditExpired, ctx, because=because)

    def move(self, ctx: Context, state: AuditState) -> None:
        """Changes the state at a user's request (``replace /state``).

        Raises:
            IllegalTransition: users may not request this transition.
        """
        USER_TRANSITIONS.check(self.state, state)
        if state is AuditState.DELETED:
            self.delete(ctx)
        elif state is AuditState.CANCELLED:
            self.cancel(ctx, Cause(CANCELLED_BY_USER))
        elif state is AuditState.SUSPENDED:
            self._trigger(AuditSuspended, ctx)
        elif self.state is AuditState.SUSPENDED:
            self._resume(ctx)
        else:
            self._trigger(AuditStateSet, ctx, state=state, because=Cause(SET_BY_USER))

    def _resume(self, ctx: Context) -> None:
        self._trigger(AuditResumed, ctx)
        if (
            self.audit_type is not AuditType.CONTINUOUS
        ):  # the scheduler requests runs of continuous audits only
            self.request_run(ctx, following(self.last_due, ctx.at), RunCause.RESUMED)

    def change(self, ctx: Context, changes: JsonObject) -> None:
        """Changes attributes for later runs; the caller has validated the values.

        Raises:
            InvalidValue: an attribute cannot be changed.
        """
        for name in changes:
            if name not in CHANGEABLE:
                raise InvalidValue(name, "cannot be changed")
        if changes:
            self._trigger(AuditChanged, ctx, changes=changes)

    def delete(self, ctx: Context) -> None:
        """Marks it as deleted.

        Raises:
            DeleteRefused: it is pending or ongoing.
        """
        if self.state not in DELETABLE:
            raise DeleteRefused(self.state)
        self._trigger(AuditDeleted, ctx)

    # -- checks ----------------------------------------------------------------------------------

    def _may_run(self) -> bool:
        if self.audit_type is AuditType.EVENT:
            again = {AuditState.PENDING, AuditState.SUCCEEDED, AuditState.FAILED}
            return self.state in again or (self.state is AuditState.ONGOING and self.run is None)
        return self.state in {AuditState.PENDING, AuditState.ONGOING}

    def _after_run(self, outcome: AuditState) -> AuditState:
        return AuditState.ONGOING if self.audit_type is AuditType.CONTINUOUS else outcome

    def _open(self, run: UUID) -> Run:
        if self.run is None or self.run.id != run:
            raise Refusal(f"Run {run} of audit {self.id} is over.")
        return self.run

    def _fenced(self, run: UUID, epoch: int) -> Run:
        current = self._open(run)
        if current.epoch != epoch or current.owner is None:
            raise Fenced(f"Run {run}", epoch=epoch, current=current.epoch)
        return current

    def _trigger_run(self, event: type[Event], ctx: Context, run: UUID, **facts: object) -> None:
        self._trigger(event, ctx.correlated(run), run_id=run, **facts)

    # -- how events change the state -------------------------------------------------------------

    @evolves
    def _run_requested(self, event: AuditRunRequested) -> None:
        self.run = Run(event.run_id, event.number, event.due)
        self.runs = event.number
        self.last_due = event.due

    @evolves
    def _run_claimed(self, event: AuditRunClaimed) -> None:
        if self.run is not None:
            self.run.lost = self.run.lost_to(event.owner, event.because)
            self.run.epoch, self.run.owner, self.run.host = event.epoch, event.owner, event.host
            self.run.not_before = None
        self.last_host = event.host
        self.state = AuditState.ONGOING

    @evolves
    def _inputs_recorded(self, event: AuditInputsRecorded) -> None:
        self.record_digest = event.digest

    @evolves
    def _run_deferred(self, event: AuditRunDeferred) -> None:
        if self.run is not None:
            self.run.owner = self.run.host = None
            self.run.not_before, self.run.attempt = event.not_before, event.attempt
        self.because = event.because

    @evolves
    def _run_succeeded(self, event: AuditRunSucceeded) -> None:
        self._close(event.state)

    @evolves
    def _run_failed(self, event: AuditRunFailed) -> None:
        self._close(event.state, event.because)

    @evolves
    def _cancelled(self, event: AuditCancelled) -> None:
        self._close(AuditState.CANCELLED, event.because)

    @evolves
    def _suspended(self, _: AuditSuspended) -> None:
        self._close(AuditState.SUSPENDED)

    @evolves
    def _resumed(self, _: AuditResumed) -> None:
        self.state = AuditState.ONGOING

    @evolves
    def _state_set(self, event: AuditStateSet) -> None:
        if event.state is AuditState.ONGOING:  # the run, if there is one, goes on
            self.state, self.because = event.state, event.because
        else:
            self._close(event.state, event.because)

    @evolves
    def _expired(self, event: AuditExpired) -> None:
        self._close(AuditState.SUCCEEDED, event.because)

    @evolves
    def _changed(self, event: AuditChanged) -> None:
        for name, value in event.changes.items():
            if name in {"start_time", "end_time"} and isinstance(value, str):
                setattr(self, name, datetime.fromisoformat(value))
            else:
                setattr(self, name, value)

    @evolves
    def _deleted(self, _: AuditDeleted) -> None:
        self.state = AuditState.DELETED

    def _close(self, state: AuditState, because: Cause | None = None) -> None:
        self.run = None
        self.state = state
        self.because = because
