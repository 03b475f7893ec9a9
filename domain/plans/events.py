"""The events of an action plan and of the actions inside it.

Events of actions say in ``what`` which action it is, in a few words: the log reads by itself.
"""

from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action import ActionSpec, EfficacyIndicator


class PlanState(StrEnum):
    """What the API shows as a plan's state."""

    RECOMMENDED = "RECOMMENDED"
    PENDING = "PENDING"
    ONGOING = "ONGOING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"
    DELETED = "DELETED"


class PlanProposed(Created):
    """A run published its plan: whole, with every action and edge.

    Attributes:
        record: digest of the decision record it was computed from.
        explanation: digest of the record of what was decided and why, rejections included.
        state: RECOMMENDED, or SUCCEEDED when there is nothing to do.
        notes: remarks of the strategy, e.g. why there is nothing to do.
    """

    TOPIC = "plan.proposed"
    audit_id: UUID
    run_id: UUID
    goal: str
    strategy: str
    planner: str
    record: str
    explanation: str
    actions: tuple[ActionSpec, ...]
    indicators: tuple[EfficacyIndicator, ...]
    global_efficacy: tuple[EfficacyIndicator, ...]
    notes: tuple[Cause, ...]
    state: PlanState


class PlanLaunched(Event):
    """Somebody asked to execute it."""

    TOPIC = "plan.launched"


class PlanClaimed(Event):
    """An applier took it. Events of lower epochs are refused from here on.

    Attributes:
        because: set when it was taken over from another owner.
    """

    TOPIC = "plan.claimed"
    epoch: int
    owner: str
    host: str
    state: PlanState
    because: Cause | None


class PlanCancelRequested(Event):
    """A user wants a running plan stopped."""

    TOPIC = "plan.cancel-requested"


class PlanCancelled(Event):
    """It will not be executed (any further)."""

    TOPIC = "plan.cancelled"
    because: Cause


class PlanSuperseded(Event):
    """It is too old to be launched."""

    TOPIC = "plan.superseded"
    because: Cause


class PlanSucceeded(Event):
    """All of its actions ended and none failed."""

    TOPIC = "plan.succeeded"
    because: Cause | None


class PlanFailed(Event):
    """All of its actions ended and at least one failed."""

    TOPIC = "plan.failed"
    because: Cause


class PlanDeleted(Event):
    """It is no longer shown. History stays."""

    TOPIC = "plan.deleted"


class ActionIntended(Event):
    """The applier is about to have an effect on the cloud.

    Attributes:
        attempt: 1, or more if an earlier intent was observed to have had no effect.
        intent: what is going to be asked, and what the cloud looked like just before: enough to
            find out after a crash what became of it.
    """

    TOPIC = "plan.action-intended"
    action_id: UUID
    what: str
    epoch: int
    attempt: int
    intent: JsonObject


class ActionAcknowledged(Event):
    """The cloud accepted the effect.

    Attributes:
        receipt: the cloud's own ids for it.
    """

    TOPIC = "plan.action-acknowledged"
    action_id: UUID
    what: str
    epoch: int
    receipt: JsonObject


class ActionSucceeded(Event):
    """The effect is there.

    Attributes:
        facts: what was observed.
    """

    TOPIC = "plan.action-succeeded"
    action_id: UUID
    what: str
    epoch: int
    facts: JsonObject


class ActionFailed(Event):
    """The effect was refused, went wrong, or is unknown."""

    TOPIC = "plan.action-failed"
    action_id: UUID
    what: str
    epoch: int
    because: Cause


class ActionSkipped(Event):
    """There was nothing to do for it, or a user took it out.

    Attributes:
        epoch: None when a user skipped it.
        note: what the user gave as the reason.
    """

    TOPIC = "plan.action-skipped"
    action_id: UUID
    what: str
    epoch: int | None
    because: Cause
    note: str | None


class ActionAnnotated(Event):
    """A user changed what is said about a skipped action."""

    TOPIC = "plan.action-annotated"
    action_id: UUID
    what: str
    note: str | None


class ActionCancelled(Event):
    """It will not run: the plan was cancelled, or something that it requires failed."""

    TOPIC = "plan.action-cancelled"
    action_id: UUID
    what: str
    because: Cause
