from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause


class ActionState(StrEnum):
    """What the API shows as an action's state."""

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
"""States in which nothing more happens to an action."""


@dataclass(frozen=True)
class ActionSpec:
    """An action as it was planned; never changes.

    Attributes:
        id: a function of plan and place.
        type: action type.
        parameters: input parameters, with ``resource_id``.
        parents: actions that must have ended before this one may start.
        requires: ancestors that must have succeeded (or been skipped); else this one is cancelled.
        because: why the strategy wanted it.
    """

    id: UUID
    type: str
    parameters: JsonObject
    parents: tuple[UUID, ...]
    requires: tuple[UUID, ...]
    because: Cause

    @property
    def what(self) -> str:
        """The action in a few words: ``migrate vm-1 cmp-1 -> cmp-2``."""
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
        attempt: how often an effect was intended (normally 1).
        intent: what was noted just before the effect: enough to find out later what became of it.
        receipt: what the cloud answered to the effect (its own ids), if it did.
        because: why it is in its state (skips, failures, cancellations).
    """

    spec: ActionSpec
    state: ActionState = ActionState.PENDING
    attempt: int = 0
    intent: JsonObject | None = None
    receipt: JsonObject | None = None
    because: Cause | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    note: str | None = None
    """What the user said when skipping it."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
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
