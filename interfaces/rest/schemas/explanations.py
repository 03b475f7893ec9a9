"""The recorded reasons of a plan."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.ports.read_models import ActionPlanView
from application.records.decision import DecisionExplanation as Stored
from domain.kernel.ids import action_id
from domain.kernel.reasons import Cause
from domain.optimization.solution import Rejection


class ReasonDocument(msgspec.Struct, kw_only=True):
    """A reason (docs/reasons.md), its facts, and the sentence rendered from both."""

    reason: str
    facts: dict[str, Any]
    text: str


class MoveDocument(msgspec.Struct, kw_only=True):
    """An action of the plan, and why the strategy chose it.

    Attributes:
        parents: actions that must have ended before.
    """

    action_uuid: UUID
    action_type: str
    resource_id: str
    input_parameters: dict[str, Any]
    parents: list[UUID]
    because: ReasonDocument


class Alternative(msgspec.Struct, kw_only=True):
    """An alternative that was considered, and why it was rejected.

    Attributes:
        subject: kind and name of a resource (``server web-1``).
        kind, id: of the resource; empty in plans of the first versions.
    """

    subject: str
    kind: str
    id: str
    because: ReasonDocument


class ExplanationDocument(msgspec.Struct, kw_only=True):
    """The decision and its reasons, as recorded with the plan.

    Attributes:
        explanation, record: SHA-256 digests of this explanation and of the decision record.
        moves: in plan order.
        rejections: the first alternatives, most important first; rejection_count: of all.
        notes: remarks on the whole plan, or why it is empty.
        indicators: efficacy indicator → value.
    """

    action_plan_uuid: UUID
    explanation: str
    record: str
    moves: list[MoveDocument]
    rejections: list[Alternative]
    rejection_count: int
    notes: list[ReasonDocument]
    indicators: dict[str, float]


def explanation(
    plan: ActionPlanView, stored: Stored, places: Sequence[int], rejected: Sequence[Rejection]
) -> ExplanationDocument:
    """The document of a recorded explanation.

    Args:
        plan: the plan.
        stored: its explanation.
        places: of the actions to show.
        rejected: the alternatives to show.
    """
    ids = [action_id(plan.uuid, place) for place in range(len(stored.actions))]
    return ExplanationDocument(
        action_plan_uuid=plan.uuid,
        explanation=plan.explanation,
        record=stored.record,
        moves=[
            MoveDocument(
                action_uuid=ids[place],
                action_type=one.action.type,
                resource_id=one.action.resource_id,
                input_parameters=one.action.parameters,
                parents=[ids[parent] for parent in one.parents],
                because=_reason(one.action.because),
            )
            for place, one in ((place, stored.actions[place]) for place in places)
        ],
        rejections=list(map(alternative, rejected)),
        rejection_count=max(stored.rejection_count, len(stored.rejections)),
        notes=[_reason(note) for note in stored.notes],
        indicators=stored.indicators,
    )


def alternative(one: Rejection) -> Alternative:
    """The document of a rejected alternative."""
    return Alternative(
        subject=str(one.subject),
        kind="" if isinstance(one.subject, str) else one.subject.kind,
        id="" if isinstance(one.subject, str) else one.subject.id,
        because=_reason(one.because),
    )


def _reason(because: Cause) -> ReasonDocument:
    return ReasonDocument(reason=because.reason, facts=because.facts, text=str(because))
