from typing import Annotated, Literal

import msgspec

from application.kernel.actuation import ActuationView
from domain.actuation.actuation import LONGEST_REASON

SwitchState = Literal["on", "off"]


class ActuationRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Switches actuation off or on."""

    state: SwitchState
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]


class ActuationDocument(msgspec.Struct, kw_only=True):
    """The switch that stops all changes to the cloud, and its latest change."""

    state: SwitchState
    reason: str | None
    changed_by: str | None
    changed_at: str | None


def switch_state(found: ActuationView) -> SwitchState:
    """The state of the switch."""
    return "on" if found.is_on else "off"


def actuation(found: ActuationView) -> ActuationDocument:
    """The document of the switch."""
    return ActuationDocument(
        state=switch_state(found),
        reason=found.reason,
        changed_by=found.by,
        changed_at=None if found.at is None else found.at.isoformat(),
    )
