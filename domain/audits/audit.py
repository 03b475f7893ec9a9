from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypedDict
from uuid import UUID

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
    AuditType,
    RunCause,
)
from domain.audits.run import Run
from domain.audits.schedule import following
from domain.kernel.aggregate import Aggregate, JsonObject
from domain.kernel.errors import DeleteRefused, Fenced, InvalidValue, Refusal
from domain.kernel.ids import run_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason
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
"""Everything that can ever happen to the state of an audit."""

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
"""The part of it that a user may ask for (rest-api 3.2.2)."""

DELETABLE = frozenset(
    {AuditState.SUCCEEDED, AuditState.FAILED, AuditState.CANCELLED, AuditState.SUSPENDED}
)
CHANGEABLE = frozenset(
    {"name", "interval", "start_time", "end_time", "auto_trigger", "force", "parameters", "scope"}
)


@dataclass(frozen=True)
class AuditDefinition:
    """What an audit asks for. Meanings and units: ``AuditRequested``."""

    name: str
    audit_type: AuditType
    goal: str
    strategy: str | None
    parameters: JsonObject
    scope: list[Any]
    interval: str | None = None
    auto_trigger: bool = False
    force: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None


class AuditForm(TypedDict):
    """What an audit remembers. A continuous one has runs without end."""

    state: AuditState
    run: Run | None
    runs: int
    last_due: datetime | None
    last_host: str | None
    record_digest: str | None
    because: Cause | None
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


class Audit(Aggregate):
    """A request to optimise, its definition and its runs (at most one open at a time)."""

    TOPIC = "audit"

    def __init__(self) -> None:
        self.state = AuditState.PENDING
        self.run: Run | None = None
        self.runs = 0
        self.last_due: datetime | None = None
        self.last_host: str | None = None
        self.record_digest: str | None = None
        self.because: Cause | None = None
        self.name = ""
        self.audit_type = AuditType.ONESHOT
        self.goal = ""
        self.strategy: str | None = None
        self.parameters: JsonObject = {}
        self.scope: list[Any] = []
        self.interval: str | None = None
        self.auto_trigger = False
        self.force = False
        self.start_time: datetime | None = None
        self.end_time: datetime | None = None

    @classmethod
    def form(cls) -> type[AuditForm]:
        """The types of its attributes."""
        return AuditForm

    # -- decisions -------------------------------------------------------------------------------

    @classmethod
    def request(cls, ctx: Context, audit_id: UUID, definition: AuditDefinition) -> Self:
        """A new audit; a ONESHOT one asks for its run at once.

        Raises:
            InvalidValue: the interval or the times do not fit the type.
        """
        _check(definition)
        audit = cls._born(AuditRequested, ctx, audit_id, **vars(definition))
        if audit.audit_type is AuditType.ONESHOT:
            audit.request_run(ctx, ctx.at, RunCause.CREATED)
        return audit

    def request_run(self, ctx: Context, due: datetime, cause: RunCause) -> UUID:
        """Asks for the run that is due at ``due``; returns its id.

        Raises:
            Refusal: the audit is over or suspended, a run is open, or the due time lies behind.
        """
        if not self._may_run():
            raise Refusal(f"Audit {self.id} is {self.state}: no run can be requested.")
        if self.run is not None:
            raise Refusal(f"Audit {self.id} has an open run already.")
        if self.last_due is not None and due <= self.last_due:
            raise Refusal(f"Audit {self.id} already had the run due at {due.isoformat()}.")
        run = run_id(self.id, due)
        self._record(
            AuditRunRequested,
            ctx.correlated(run),
            run_id=run,
            number=self.runs + 1,
            due=due,
            cause=cause,
        )
        return run

    def claim_run(
        self, ctx: Context, run: UUID, owner: str, host: str, *, takeover: Cause | None = None
    ) -> int:
        """Takes the run for a worker; returns the epoch that fences its events.

        Args:
            ctx: time and provenance.
            run: the run that is to be claimed.
            owner: instance id of the worker.
            host: the host it runs on.
            takeover: why the present owner, if there is one, is believed to be gone.

        Raises:
            Refusal: the run is over, not due yet, or held by another without a takeover.
        """
        held = self._open(run)
        if held.not_before is not None and ctx.at < held.not_before:
            raise Refusal(f"Run {run} is deferred until {held.not_before.isoformat()}.")
        if held.owner is not None and takeover is None:
            raise Refusal(f"Run {run} is held by {held.owner}.")
        self._record(
            AuditRunClaimed,
            ctx.correlated(run),
            run_id=run,
            epoch=held.epoch + 1,
            owner=owner,
            host=host,
            because=takeover if held.owner is not None else None,
        )
        return held.epoch

    def give_up_run(self, ctx: Context, run: UUID, epoch: int, *, limit: int) -> bool:
        """Fails a run over which ``limit`` workers or more were lost; returns whether it did.

        Raises:
            Fenced: the epoch is not that of the latest claim.
        """
        held = self._fenced(run, epoch)
        if len(held.lost) < limit:
            return False
        self.fail_run(ctx, run, epoch, held.verdict())
        return True

    def record_inputs(
        self, ctx: Context, run: UUID, epoch: int, *, digest: str, strategy: str
    ) -> None:
        """Notes what the strategy is given."""
        self._fenced(run, epoch)
        self._record(
            AuditInputsRecorded,
            ctx.correlated(run),
            run_id=run,
            epoch=epoch,
            digest=digest,
            strategy=strategy,
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
        """Gives the run back for a passing reason (``tried`` and failed, or waiting its turn)."""
        held = self._fenced(run, epoch)
        self._record(
            AuditRunDeferred,
            ctx.correlated(run),
            run_id=run,
            epoch=epoch,
            because=because,
            not_before=not_before,
            attempt=held.attempt + tried,
        )

    def succeed_run(self, ctx: Context, run: UUID, epoch: int, plan: UUID) -> None:
        """Ends the run with its plan."""
        self._fenced(run, epoch)
        self._record(
            AuditRunSucceeded,
            ctx.correlated(run),
            run_id=run,
            epoch=epoch,
            plan_id=plan,
            state=self._after_run(AuditState.SUCCEEDED),
        )

    def fail_run(self, ctx: Context, run: UUID, epoch: int, because: Cause) -> None:
        """Ends the run without a plan."""
        self._fenced(run, epoch)
        self._record(
            AuditRunFailed,
            ctx.correlated(run),
            run_id=run,
            epoch=epoch,
            because=because,
            state=self._after_run(AuditState.FAILED),
        )

    def cancel(self, ctx: Context, because: Cause) -> None:
        """Ends the audit; the outcome of a run in flight will be refused."""
        TRANSITIONS.check(self.state, AuditState.CANCELLED)
        self._record(AuditCancelled, ctx, because=because)

    def expire(self, ctx: Context) -> None:
        """Ends a continuous audit whose end time has passed."""
        if self.end_time is None or ctx.at < self.end_time:
            raise Refusal(f"The end time of audit {self.id} has not passed.")
        TRANSITIONS.check(self.state, AuditState.SUCCEEDED)
        self._record(AuditExpired, ctx, because=Cause(Reason.END_TIME_PASSED))

    def set_state(self, state: AuditState, because: Cause | None) -> None:
        """Assigns a state that a user set (used by the event)."""
        if state is AuditState.ONGOING:
            self.state, self.because = state, because
        else:
            self.close_run(state, because)

    def move(self, ctx: Context, state: AuditState) -> None:
        """What a user asks for with ``replace /state``.

        Raises:
            IllegalTransition: the API has no such arrow.
        """
        USER_TRANSITIONS.check(self.state, state)
        if state is AuditState.DELETED:
            self.delete(ctx)
        elif state is AuditState.CANCELLED:
            self.cancel(ctx, Cause(Reason.CANCELLED_BY_USER))
        elif state is AuditState.SUSPENDED:
            self._record(AuditSuspended, ctx)
        elif self.state is AuditState.SUSPENDED:
            self._resume(ctx)
        else:
            self._record(AuditStateSet, ctx, state=state, because=Cause(Reason.SET_BY_USER))

    def _resume(self, ctx: Context) -> None:
        self._record(AuditResumed, ctx)
        if self.audit_type is not AuditType.CONTINUOUS:  # nobody else would ask for a run
            self.request_run(ctx, following(self.last_due, ctx.at), RunCause.RESUMED)

    def change(self, ctx: Context, changes: JsonObject) -> None:
        """Changes attributes from the next run on (values already validated by the caller).

        Raises:
            InvalidValue: an attribute cannot be changed.
        """
        for name in changes:
            if name not in CHANGEABLE:
                raise InvalidValue(name, "cannot be changed")
        if changes:
            self._record(AuditChanged, ctx, changes=changes)

    def delete(self, ctx: Context) -> None:
        """Takes it out of sight.

        Raises:
            DeleteRefused: it is pending or ongoing.
        """
        if self.state not in DELETABLE:
            raise DeleteRefused(self.state)
        self._record(AuditDeleted, ctx)

    # -- what a state means ----------------------------------------------------------------------

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
        held = self._open(run)
        if held.epoch != epoch or held.owner is None:
            raise Fenced(f"Run {run}", epoch=epoch, current=held.epoch)
        return held

    # -- assignments, called by events only ------------------------------------------------------

    def open_run(self, run: UUID, number: int, due: datetime) -> None:
        """Assigns the open run."""
        self.run = Run(run, number, due)
        self.runs = number
        self.last_due = due

    def claim(self, epoch: int, owner: str, host: str, because: Cause | None) -> None:
        """Assigns the holder of the open run."""
        if self.run is not None:
            self.run.take(epoch, owner, host, because)
        self.last_host = host
        self.state = AuditState.ONGOING

    def defer(self, not_before: datetime, attempt: int, because: Cause) -> None:
        """Assigns a deferral of the open run."""
        if self.run is not None:
            self.run.owner = self.run.host = None
            self.run.not_before, self.run.attempt = not_before, attempt
        self.because = because

    def close_run(self, state: AuditState, because: Cause | None) -> None:
        """Assigns the state after a run or the end of the audit."""
        self.run = None
        self.state = state
        self.because = because

    def assign(self, changes: JsonObject) -> None:
        """Assigns changed attributes."""
        for name, value in changes.items():
            if name in {"start_time", "end_time"} and isinstance(value, str):
                setattr(self, name, datetime.fromisoformat(value))
            else:
                setattr(self, name, value)


def _check(definition: AuditDefinition) -> None:
    if definition.audit_type is AuditType.CONTINUOUS and not definition.interval:
        raise InvalidValue("interval", "is required for a CONTINUOUS audit")
    if definition.audit_type is AuditType.ONESHOT:
        for name in ("interval", "start_time", "end_time"):
            if getattr(definition, name) is not None:
                raise InvalidValue(name, "is not allowed for a ONESHOT audit")
