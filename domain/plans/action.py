from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause


class ActionState(StrEnum):
    """The states of an action, as shown in the API."""

    PENDING = "PENDING"
    ONGOING = "ONGOING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"


ENDED = frozenset(
    {ActionState.SUCCEEDED, ActionState.FAILED, ActionState.SKIPPED, ActionState.CANCELLED}
)
"""The final states of an action."""
IN_PROGRESS = frozenset({ActionState.ONGOING, ActionState.CANCELLING})
"""The states of an action with a request to the cloud and no outcome."""


@dataclass(frozen=True)
class ActionSpec:
    """An action as planned; it never changes.

    Attributes:
        id: derived from the plan and the action's index.
        type: action type.
        parameters: input parameters, with ``resource_id``.
        parents: actions that must have ended before this one starts.
        requires: ancestors that must have succeeded or been skipped, else this one is cancelled.
        because: why the strategy proposed it.
        size: bytes that it copies, None if it copies nothing or that is unknown.
        groups: ids of the server groups of the server that it acts on.
    """

    id: UUID
    type: str
    parameters: JsonObject
    parents: tuple[UUID, ...]
    requires: tuple[UUID, ...]
    because: Cause
    size: int | None = None
    groups: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """The id of what it acts on → its name and id, if the plan has the name."""
        identity, name = self.parameters.get("resource_id"), self.parameters.get("resource_name")
        if not identity or not name or identity == name:
            return {}
        return {str(identity): f"{name} ({identity})"}

    @property
    def what(self) -> str:
        """A short description: ``migrate vm-1 cmp-1 -> cmp-2``."""
        given = self.parameters
        name = str(given.get("resource_name") or given.get("resource_id") or "").strip()
        words = [self.type, name]
        if "source_node" in given:
            words.append(f"{given['source_node']} -> {given.get('destination_node') or 'anywhere'}")
        if "state" in given:
            words.append(f"-> {given['state']}")
        return " ".join(word for word in words if word)


@dataclass
class Action:
    """An action inside its plan.

    Attributes:
        attempt: number of requests to the cloud that were started (normally 1).
        intent: stored just before the request to the cloud; enough to determine its outcome later.
        receipt: the cloud's response to the request (its own ids), if any.
        steps: further step of the effect → number of requests that were started for it.
        aborting: why its abort was requested, None if it was not.
        losses: appliers that were lost while they executed only this action.
        because: why it was skipped, failed or cancelled.
        outcome: the observed state in which it succeeded.
        late_steps: number of requests of further steps that were started after it had failed.
        followed_up: whether what was still running when it failed is known to have ended.
        restores: whether the plan added it to undo a step that its other actions left half done.
    """

    spec: ActionSpec
    state: ActionState = ActionState.PENDING
    attempt: int = 0
    intent: JsonObject | None = None
    receipt: JsonObject | None = None
    steps: dict[str, int] = field(default_factory=dict)
    aborting: Cause | None = None
    losses: int = 0
    because: Cause | None = None
    outcome: JsonObject = field(default_factory=dict)
    late_steps: int = 0
    followed_up: bool = False
    restores: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: str | None = None
    """The user's remark on a skipped action."""

    @property
    def before(self) -> JsonObject:
        """The state of the cloud that the check recorded in the intent; empty without an intent."""
        before = (self.intent or {}).get("before")
        return before if isinstance(before, dict) else {}

    @property
    def deadline(self) -> float:
        """Seconds from the first intent to the deadline."""
        seconds = (self.intent or {}).get("deadline")
        return float(seconds) if isinstance(seconds, int | float) else 0.0

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


@dataclass(frozen=True)
class EfficacyIndicator:
    """An efficacy figure of a plan.

    Attributes:
        value: in ``unit`` (None = a plain number).
    """

    name: str
    description: str
    unit: str | None
    value: float | None = field(default=None)
