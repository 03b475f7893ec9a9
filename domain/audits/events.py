"""The events of an audit. Topics are history: they never change."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.audits.definition import AuditDefinition
from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause


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


class AuditInputsRecorded(Event):
    """What the strategy will see lies in the decision record with this digest (SHA-256, hex)."""

    TOPIC = "audit.inputs-recorded"
    run_id: UUID
    epoch: int
    digest: str
    strategy: str


class AuditRunDeferred(Event):
    """The run could not go on for a passing reason; it may be claimed again from ``not_before``."""

    TOPIC = "audit.run-deferred"
    run_id: UUID
    epoch: int
    because: Cause
    not_before: datetime
    attempt: int


class AuditRunSucceeded(Event):
    """The run published a plan (perhaps one with nothing to do)."""

    TOPIC = "audit.run-succeeded"
    run_id: UUID
    epoch: int
    plan_id: UUID
    state: AuditState


class AuditRunFailed(Event):
    """The run ended without a plan. A continuous audit goes on with its next run."""

    TOPIC = "audit.run-failed"
    run_id: UUID
    epoch: int
    because: Cause
    state: AuditState


class AuditCancelled(Event):
    """It is over, whatever a run still in flight finds."""

    TOPIC = "audit.cancelled"
    because: Cause


class AuditSuspended(Event):
    """No run is requested until it is resumed."""

    TOPIC = "audit.suspended"


class AuditResumed(Event):
    """Runs are requested again."""

    TOPIC = "audit.resumed"


class AuditStateSet(Event):
    """A user set the state by hand, as the API allows."""

    TOPIC = "audit.state-set"
    state: AuditState
    because: Cause


class AuditExpired(Event):
    """Its end time has passed: it succeeded."""

    TOPIC = "audit.expired"
    because: Cause


class AuditChanged(Event):
    """Attributes were changed; the change counts from the next run on.

    Attributes:
        changes: attribute → new value (times as ISO 8601 UTC text).
    """

    TOPIC = "audit.changed"
    changes: JsonObject


class AuditDeleted(Event):
    """It is no longer shown; its name is free again. History stays."""

    TOPIC = "audit.deleted"
