"""What was decided about a server or a host."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from application.queries.decisions import DecisionAbout
from interfaces.rest.schemas.explanations import Alternative, alternative


class DecidedAction(msgspec.Struct, kw_only=True):
    """An action that concerns the resource.

    Attributes:
        because: the reason for which the strategy proposed it.
        status_message: why it is in its state.
    """

    uuid: UUID
    action_type: str
    input_parameters: dict[str, Any]
    state: str
    because: str
    status_message: str | None
    started_at: datetime | None
    ended_at: datetime | None


class DecisionDocument(msgspec.Struct, kw_only=True):
    """What one plan decided about the resource.

    Attributes:
        rejections: alternatives that concern it and were rejected; null if they were not read,
            because the plan is not among the newest ones or has no readable explanation.
    """

    action_plan_uuid: UUID
    audit_uuid: UUID | None
    run_uuid: UUID
    strategy_name: str
    state: str
    created_at: datetime
    actions: list[DecidedAction]
    rejections: list[Alternative] | None


class DecisionsDocument(msgspec.Struct, kw_only=True):
    """Decisions, newest first."""

    decisions: list[DecisionDocument]


def decision(found: DecisionAbout) -> DecisionDocument:
    """The document of a decision."""
    plan = found.plan
    return DecisionDocument(
        action_plan_uuid=plan.uuid,
        audit_uuid=plan.audit_uuid,
        run_uuid=plan.run_id,
        strategy_name=plan.strategy_name,
        state=plan.state,
        created_at=plan.created_at,
        actions=[
            DecidedAction(
                uuid=one.uuid,
                action_type=one.action_type,
                input_parameters=one.input_parameters,
                state=one.state,
                because=one.because,
                status_message=one.status_message,
                started_at=one.started_at,
                ended_at=one.ended_at,
            )
            for one in found.actions
        ],
        rejections=None if found.rejections is None else list(map(alternative, found.rejections)),
    )
