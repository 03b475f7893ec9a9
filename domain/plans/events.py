"""The events of an action plan and of the actions inside it.

Events of actions have a short description of the action in ``what``, for readers of the log.
"""

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel.aggregate import Created, Event, JsonObject
from domain.kernel.reasons import Cause
from domain.plans.action import ActionSpec, EfficacyIndicator
from domain.plans.execution_rule import ExecutionRule

_UNKNOWN_TARGET: dict[str, Any] = {"size": None, "groups": []}


class PlanState(StrEnum):
    """The states of a plan, as shown in the API."""

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
    """A run published its plan, with all actions and dependencies.

    Attributes:
        record: digest of the decision record it was computed from.
        explanation: digest of the record of the decisions and their reasons.
        state: RECOMMENDED, or SUCCEEDED if the plan is empty.
        notes: remarks of the strategy, such as why the plan is empty.
        undoes: the plan that it undoes, if it is a return plan.
    """

    TOPIC = "plan.proposed"
    class_version: ClassVar[int] = 3
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
    undoes: UUID | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """The targets of actions were not recorded."""
        for spec in state["actions"]:
            spec.update(_UNKNOWN_TARGET)

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """There were no return plans."""
        state["undoes"] = None


class PlanLaunched(Event):
    """A user or an audit with auto_trigger launched the plan."""

    TOPIC = "plan.launched"


class PlanClaimed(Event):
    """An applier claimed the plan. Events of lower epochs are refused from now on.

    Attributes:
        because: set when it was claimed before.
        execution_rule: of the plan: that of its first claim.
        return_if_failed: whether a return plan is requested if the plan fails.
    """

    TOPIC = "plan.claimed"
    class_version: ClassVar[int] = 3
    epoch: int
    owner: str
    host: str
    state: PlanState
    because: Cause | None
    execution_rule: ExecutionRule
    return_if_failed: bool

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """There was no choice before."""
        state["execution_rule"] = ExecutionRule.ALWAYS.value

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """There were no return plans."""
        state["return_if_failed"] = False


class PlanHeld(Event):
    """Actions of the plan are ready, but may not begin now.

    Attributes:
        because: what holds them back and, if known, until when.
    """

    TOPIC = "plan.held"
    epoch: int
    because: Cause


class PlanReleased(Event):
    """Nothing holds the plan back any more."""

    TOPIC = "plan.released"
    epoch: int


class PlanCancelRequested(Event):
    """A user requested the cancellation of a running plan."""

    TOPIC = "plan.cancel-requested"


class PlanCancelled(Event):
    """The plan was cancelled."""

    TOPIC = "plan.cancelled"
    ENDS: ClassVar[bool] = True
    because: Cause


class PlanSuperseded(Event):
    """The plan is too old to be launched."""

    TOPIC = "plan.superseded"
    ENDS: ClassVar[bool] = True
    because: Cause


class PlanSucceeded(Event):
    """All actions ended and none failed."""

    TOPIC = "plan.succeeded"
    ENDS: ClassVar[bool] = True
    because: Cause | None


class PlanFailed(Event):
    """All actions ended and at least one failed."""

    TOPIC = "plan.failed"
    ENDS: ClassVar[bool] = True
    because: Cause


class PlanDeleted(Event):
    """The plan was deleted. Its history stays."""

    TOPIC = "plan.deleted"


class PlanReturnRequested(Event):
    """A plan that undoes what this one changed was requested.

    Attributes:
        number: counts the return plans of the plan from 1.
        return_plan: the id that the return plan will have.
        automatic: whether the failure of the plan requested it; it is then launched at once.
    """

    TOPIC = "plan.return-requested"
    number: int
    return_plan: UUID
    automatic: bool


class PlanReturned(Event):
    """The return plan was published. It may be empty; its notes say what it does not undo."""

    TOPIC = "plan.returned"
    number: int
    return_plan: UUID


class PlanReturnFailed(Event):
    """No return plan could be made. It can be requested again."""

    TOPIC = "plan.return-failed"
    number: int
    because: Cause


class ActionAdded(Event):
    """The plan got a further action, because others of its actions did not take place.

    Such an action is executed even if the plan is being cancelled.

    Attributes:
        action_id: the id in ``spec``.
    """

    TOPIC = "plan.action-added"
    class_version: ClassVar[int] = 2
    action_id: UUID
    what: str
    spec: ActionSpec

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """The target of the action was not recorded."""
        state["spec"].update(_UNKNOWN_TARGET)


class ActionIsolated(Event):
    """The applier is about to execute an action, and no other, because earlier ones were lost.

    If this applier is lost, too, the action may have caused it.
    """

    TOPIC = "plan.action-isolated"
    action_id: UUID
    what: str
    epoch: int


class ActionIntended(Event):
    """The applier is about to send the request of an action to the cloud.

    Attributes:
        attempt: 1, or more if the cloud showed no effect of earlier attempts.
        intent: the request and the state of the cloud before it: enough to determine the outcome
            after a crash.
    """

    TOPIC = "plan.action-intended"
    action_id: UUID
    what: str
    epoch: int
    attempt: int
    intent: JsonObject


class ActionWithheld(Event):
    """The request of an action was not sent, because it may not begin now; the action waits."""

    TOPIC = "plan.action-withheld"
    action_id: UUID
    what: str
    epoch: int
    because: Cause


class ActionAcknowledged(Event):
    """The cloud accepted the request of an action.

    Attributes:
        receipt: the cloud's own ids for it.
    """

    TOPIC = "plan.action-acknowledged"
    action_id: UUID
    what: str
    epoch: int
    receipt: JsonObject


class ActionStepIntended(Event):
    """The applier is about to send the request of a further step of an action to the cloud.

    Attributes:
        step: name of the step, such as ``confirm`` or ``abort``.
        attempt: 1, or more if the cloud showed no effect of earlier attempts.
        because: why the action is aborted; None for any other step.
    """

    TOPIC = "plan.action-step-intended"
    class_version: ClassVar[int] = 2
    action_id: UUID
    what: str
    epoch: int
    step: str
    attempt: int
    because: Cause | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Aborts were requested without an event."""
        state["because"] = None


class ActionStepAcknowledged(Event):
    """The cloud accepted the request of a further step of an action.

    Attributes:
        receipt: the cloud's own ids for it.
    """

    TOPIC = "plan.action-step-acknowledged"
    action_id: UUID
    what: str
    epoch: int
    step: str
    receipt: JsonObject


class ActionSucceeded(Event):
    """The action succeeded.

    Attributes:
        facts: the observed state.
    """

    TOPIC = "plan.action-succeeded"
    action_id: UUID
    what: str
    epoch: int
    facts: JsonObject


class ActionFailed(Event):
    """The action failed, or its outcome is unknown."""

    TOPIC = "plan.action-failed"
    action_id: UUID
    what: str
    epoch: int
    because: Cause


class ActionFollowedUp(Event):
    """What was still running when the action failed has ended; the action stays FAILED.

    Attributes:
        facts: the observed state.
        because: why it has no effect; None if it has.
    """

    TOPIC = "plan.action-followed-up"
    action_id: UUID
    what: str
    facts: JsonObject
    because: Cause | None


class ActionSkipped(Event):
    """The action was skipped, because there was nothing to do or at a user's request.

    Attributes:
        epoch: None when a user skipped it.
        note: the user's reason.
    """

    TOPIC = "plan.action-skipped"
    action_id: UUID
    what: str
    epoch: int | None
    because: Cause
    note: str | None


class ActionAnnotated(Event):
    """A user changed the remark on a skipped action."""

    TOPIC = "plan.action-annotated"
    action_id: UUID
    what: str
    note: str | None


class ActionCancelled(Event):
    """The action was cancelled: with its plan, or because an action that it requires failed.

    An action that was running was aborted before.
    """

    TOPIC = "plan.action-cancelled"
    action_id: UUID
    what: str
    because: Cause
