"""The events of an action plan and of the actions inside it.

Events of actions say in ``what`` which action it is, in a few words: the log reads by itself.
"""

from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action import ActionSpec, ActionState, EfficacyIndicator

if TYPE_CHECKING:
    from domain.plans.action_plan import ActionPlan


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.hold(self.actions)
        aggregate.audit_id = self.audit_id
        aggregate.run_id = self.run_id
        aggregate.strategy = self.strategy
        aggregate.record = self.record
        aggregate.state = self.state


class PlanLaunched(Event):
    """Somebody asked to execute it."""

    TOPIC = "plan.launched"

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.state = PlanState.PENDING


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.epoch = self.epoch
        aggregate.owner = self.owner
        aggregate.host = self.host
        aggregate.state = self.state


class PlanCancelRequested(Event):
    """A user wants a running plan stopped."""

    TOPIC = "plan.cancel-requested"

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.state = PlanState.CANCELLING


class PlanCancelled(Event):
    """It will not be executed (any further)."""

    TOPIC = "plan.cancelled"
    because: Cause

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.finish(PlanState.CANCELLED, self.because)


class PlanSuperseded(Event):
    """It is too old to be launched."""

    TOPIC = "plan.superseded"
    because: Cause

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.finish(PlanState.SUPERSEDED, self.because)


class PlanSucceeded(Event):
    """All of its actions ended and none failed."""

    TOPIC = "plan.succeeded"
    because: Cause | None

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.finish(PlanState.SUCCEEDED, self.because)


class PlanFailed(Event):
    """All of its actions ended and at least one failed."""

    TOPIC = "plan.failed"
    because: Cause

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.finish(PlanState.FAILED, self.because)


class PlanDeleted(Event):
    """It is no longer shown. History stays."""

    TOPIC = "plan.deleted"

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.state = PlanState.DELETED


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.intend(self.action_id, self.attempt, self.intent, self.timestamp)


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.actions[self.action_id].receipt = self.receipt


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.end(self.action_id, ActionState.SUCCEEDED, None, self.timestamp)


class ActionFailed(Event):
    """The effect was refused, went wrong, or is unknown."""

    TOPIC = "plan.action-failed"
    action_id: UUID
    what: str
    epoch: int
    because: Cause

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.end(self.action_id, ActionState.FAILED, self.because, self.timestamp)


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

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.end(self.action_id, ActionState.SKIPPED, self.because, self.timestamp)
        aggregate.actions[self.action_id].note = self.note


class ActionAnnotated(Event):
    """A user changed what is said about a skipped action."""

    TOPIC = "plan.action-annotated"
    action_id: UUID
    what: str
    note: str | None

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.actions[self.action_id].note = self.note


class ActionCancelled(Event):
    """It will not run: the plan was cancelled, or something that it requires failed."""

    TOPIC = "plan.action-cancelled"
    action_id: UUID
    what: str
    because: Cause

    def apply(self, aggregate: "ActionPlan") -> None:
        aggregate.end(self.action_id, ActionState.CANCELLED, self.because, self.timestamp)
