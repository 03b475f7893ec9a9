"""The events of an audit. Topics are history: they never change."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause

if TYPE_CHECKING:
    from domain.audits.audit import Audit


class AuditType(StrEnum):
    """How an audit is triggered."""

    ONESHOT = "ONESHOT"
    CONTINUOUS = "CONTINUOUS"
    EVENT = "EVENT"


class AuditState(StrEnum):
    """What the API shows as an audit's state."""

    PENDING = "PENDING"
    ONGOING = "ONGOING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUSPENDED = "SUSPENDED"
    DELETED = "DELETED"


class RunCause(StrEnum):
    """What asked for a run."""

    CREATED = "created"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    RESUMED = "resumed"


class AuditRequested(Created):
    """Somebody asked for an optimisation.

    Attributes:
        goal, strategy: registered names; no strategy = the engine chooses at each run.
        parameters: complete (defaults filled in) for the named strategy.
        scope: list form, as the API takes it.
        interval: seconds or a cron expression, verbatim.
        start_time, end_time: UTC.
    """

    TOPIC = "audit.requested"
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

    def apply(self, aggregate: "Audit") -> None:
        aggregate.name = self.name
        aggregate.audit_type = self.audit_type
        aggregate.goal = self.goal
        aggregate.strategy = self.strategy
        aggregate.parameters = self.parameters
        aggregate.scope = self.scope
        aggregate.interval = self.interval
        aggregate.auto_trigger = self.auto_trigger
        aggregate.force = self.force
        aggregate.start_time = self.start_time
        aggregate.end_time = self.end_time


class AuditRunRequested(Event):
    """A run is due. Its number counts from 1; its id is a function of audit and due time."""

    TOPIC = "audit.run-requested"
    run_id: UUID
    number: int
    due: datetime
    cause: RunCause

    def apply(self, aggregate: "Audit") -> None:
        aggregate.open_run(self.run_id, self.number, self.due)


class AuditRunClaimed(Event):
    """A worker took the run. Events of lower epochs are refused from here on.

    Attributes:
        owner: instance id of the worker; host: where it runs.
        because: set when the run was taken over, by another or again by its owner. With
            ``owner-lost`` and another owner it counts against the run.
    """

    TOPIC = "audit.run-claimed"
    run_id: UUID
    epoch: int
    owner: str
    host: str
    because: Cause | None

    def apply(self, aggregate: "Audit") -> None:
        aggregate.claim(self.epoch, self.owner, self.host, self.because)


class AuditInputsRecorded(Event):
    """What the strategy will see lies in the decision record with this digest (SHA-256, hex)."""

    TOPIC = "audit.inputs-recorded"
    run_id: UUID
    epoch: int
    digest: str
    strategy: str

    def apply(self, aggregate: "Audit") -> None:
        aggregate.record_digest = self.digest


class AuditRunDeferred(Event):
    """The run could not go on for a passing reason; it may be claimed again from ``not_before``."""

    TOPIC = "audit.run-deferred"
    run_id: UUID
    epoch: int
    because: Cause
    not_before: datetime
    attempt: int

    def apply(self, aggregate: "Audit") -> None:
        aggregate.defer(self.not_before, self.attempt, self.because)


class AuditRunSucceeded(Event):
    """The run published a plan (perhaps one with nothing to do)."""

    TOPIC = "audit.run-succeeded"
    run_id: UUID
    epoch: int
    plan_id: UUID
    state: AuditState

    def apply(self, aggregate: "Audit") -> None:
        aggregate.close_run(self.state, None)


class AuditRunFailed(Event):
    """The run ended without a plan. A continuous audit goes on with its next run."""

    TOPIC = "audit.run-failed"
    run_id: UUID
    epoch: int
    because: Cause
    state: AuditState

    def apply(self, aggregate: "Audit") -> None:
        aggregate.close_run(self.state, self.because)


class AuditCancelled(Event):
    """It is over, whatever a run still in flight finds."""

    TOPIC = "audit.cancelled"
    because: Cause

    def apply(self, aggregate: "Audit") -> None:
        aggregate.close_run(AuditState.CANCELLED, self.because)


class AuditSuspended(Event):
    """No run is requested until it is resumed."""

    TOPIC = "audit.suspended"

    def apply(self, aggregate: "Audit") -> None:
        aggregate.close_run(AuditState.SUSPENDED, None)


class AuditResumed(Event):
    """Runs are requested again."""

    TOPIC = "audit.resumed"

    def apply(self, aggregate: "Audit") -> None:
        aggregate.state = AuditState.ONGOING


class AuditStateSet(Event):
    """A user set the state by hand, as the API allows."""

    TOPIC = "audit.state-set"
    state: AuditState
    because: Cause

    def apply(self, aggregate: "Audit") -> None:
        aggregate.set_state(self.state, self.because)


class AuditExpired(Event):
    """Its end time has passed: it succeeded."""

    TOPIC = "audit.expired"
    because: Cause

    def apply(self, aggregate: "Audit") -> None:
        aggregate.close_run(AuditState.SUCCEEDED, self.because)


class AuditChanged(Event):
    """Attributes were changed; the change counts from the next run on.

    Attributes:
        changes: attribute → new value (times as ISO 8601 UTC text).
    """

    TOPIC = "audit.changed"
    changes: JsonObject

    def apply(self, aggregate: "Audit") -> None:
        aggregate.assign(self.changes)


class AuditDeleted(Event):
    """It is no longer shown; its name is free again. History stays."""

    TOPIC = "audit.deleted"

    def apply(self, aggregate: "Audit") -> None:
        aggregate.state = AuditState.DELETED
