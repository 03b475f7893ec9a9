"""The events of an audit. Topics are history: they never change."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.audits.definition import AuditDefinition
from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause


class AuditState(StrEnum):
    """The states of an audit, as shown in the API."""

    PENDING = "PENDING"
    ONGOING = "ONGOING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUSPENDED = "SUSPENDED"
    DELETED = "DELETED"


class RunCause(StrEnum):
    """What requested a run."""

    CREATED = "created"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    RESUMED = "resumed"


class AuditRequested(AuditDefinition, Created):
    """A user requested an audit. The fields are those of the definition."""

    TOPIC = "audit.requested"


class AuditRunRequested(Event):
    """A run is due. Its number counts from 1; its id is a function of audit and due time."""

    TOPIC = "audit.run-requested"
    run_id: UUID
    number: int
    due: datetime
    cause: RunCause


class AuditRunClaimed(Event):
    """A worker claimed the run. Events of lower epochs are refused from now on.

    Attributes:
        owner: instance id of the worker; host: where it runs.
        because: set when a claimed run was claimed again, by another worker or by its owner. With
            ``owner-lost`` and another owner the run counts one lost worker more.
    """

    TOPIC = "audit.run-claimed"
    run_id: UUID
    epoch: int
    owner: str
    host: str
    because: Cause | None


class AuditInputsRecorded(Event):
    """The inputs of the strategy were stored in the decision record with this digest (SHA-256)."""

    TOPIC = "audit.inputs-recorded"
    run_id: UUID
    epoch: int
    digest: str
    strategy: str


class AuditRunDeferred(Event):
    """The run was postponed; it may be claimed again from ``not_before``."""

    TOPIC = "audit.run-deferred"
    run_id: UUID
    epoch: int
    because: Cause
    not_before: datetime
    attempt: int


class AuditRunSucceeded(Event):
    """The run published a plan, which may be empty."""

    TOPIC = "audit.run-succeeded"
    run_id: UUID
    epoch: int
    plan_id: UUID
    state: AuditState


class AuditRunFailed(Event):
    """The run ended without a plan. A continuous audit continues with its next run."""

    TOPIC = "audit.run-failed"
    run_id: UUID
    epoch: int
    because: Cause
    state: AuditState


class AuditCancelled(Event):
    """The audit was cancelled; the result of a current run will be refused."""

    TOPIC = "audit.cancelled"
    because: Cause


class AuditSuspended(Event):
    """The audit was suspended: no runs are requested until it is resumed."""

    TOPIC = "audit.suspended"


class AuditResumed(Event):
    """The audit was resumed: runs are requested again."""

    TOPIC = "audit.resumed"


class AuditStateSet(Event):
    """A user set the state."""

    TOPIC = "audit.state-set"
    state: AuditState
    because: Cause


class AuditExpired(Event):
    """A continuous audit ended with success: it has no further run.

    Its end time passed, or its interval has no later match.
    """

    TOPIC = "audit.expired"
    because: Cause


class AuditChanged(Event):
    """A user changed attributes; the next run uses them.

    Attributes:
        changes: attribute → new value (times as ISO 8601 UTC text).
    """

    TOPIC = "audit.changed"
    changes: JsonObject


class AuditDeleted(Event):
    """The audit was deleted; its name is free again. Its history stays."""

    TOPIC = "audit.deleted"
