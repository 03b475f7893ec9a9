"""Action plans and actions as the API shows them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import ActionPlanView, ActionView
from domain.plans.action import ActionState
from domain.plans.events import PlanState
from domain.plans.returning import ReturnState
from interfaces.rest.schemas.common import MESSAGE_SINCE, Link, ViewOptions, document, one_of


class IndicatorDocument(msgspec.Struct, kw_only=True):
    """An efficacy indicator of a plan. ``value`` is in ``unit``; no unit = a plain number."""

    name: str
    description: str | None
    unit: str | None
    value: float | None


class ActionPlanDocument(msgspec.Struct, kw_only=True):
    """The recommendation of an audit run."""

    uuid: UUID
    audit_uuid: UUID | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    state: Annotated[str, one_of(PlanState)]
    efficacy_indicators: list[IndicatorDocument]
    global_efficacy: list[IndicatorDocument]
    updated_at: str | None
    links: list[Link]
    hostname: str | UnsetType | None = UNSET
    status_message: str | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class ActionDocument(msgspec.Struct, kw_only=True):
    """One step of a plan."""

    uuid: UUID
    action_plan_uuid: UUID | None
    state: Annotated[str, one_of(ActionState)]
    action_type: str
    parents: list[str]
    links: list[Link]
    description: str | UnsetType = UNSET
    input_parameters: dict[str, Any] | UnsetType = UNSET
    status_message: str | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class ReturnDocument(msgspec.Struct, kw_only=True):
    """The latest return plan that was requested for a plan.

    ``uuid`` and ``links`` are those of the return plan, which exists once the state is MADE.
    ``notes`` say what it does not undo, and why. ``status_message`` says why none could be made.
    """

    uuid: UUID
    action_plan_uuid: UUID
    state: Annotated[str, one_of(ReturnState)]
    actions: int | None
    notes: list[str]
    status_message: str | None
    links: list[Link]


def returned(
    view: ActionPlanView, made: ActionPlanView | None, options: ViewOptions
) -> ReturnDocument:
    """The document of the return of a plan.

    Args:
        view: the plan that is undone.
        made: its return plan, if it exists.
        options: of the request.

    Raises:
        ValueError: none was requested.
    """
    if view.return_plan is None or view.return_state is None:
        raise ValueError(f"no return plan of {view.uuid} was requested")
    return ReturnDocument(
        uuid=view.return_plan,
        action_plan_uuid=view.uuid,
        state=view.return_state,
        actions=None if made is None else made.actions_total,
        notes=[] if made is None else made.notes,
        status_message=view.return_message,
        links=options.links("action_plans", view.return_plan),
    )


def action_plan(view: ActionPlanView, options: ViewOptions) -> ActionPlanDocument:
    """The document of an action plan."""
    audit_shown = not view.audit_deleted or options.show_deleted
    return document(
        ActionPlanDocument,
        view,
        detail=options.detail,
        audit_uuid=view.audit_uuid if audit_shown else None,
        strategy_name=view.strategy_name if view.strategy_uuid else None,
        efficacy_indicators=[
            _indicator(one) for one in view.efficacy_indicators if one.get("value") is not None
        ],
        global_efficacy=[_indicator(one) for one in view.global_efficacy],
        links=options.links("action_plans", view.uuid),
        status_message=options.detailed(view.status_message, MESSAGE_SINCE),
    )


def action(view: ActionView, options: ViewOptions) -> ActionDocument:
    """The document of an action."""
    return document(
        ActionDocument,
        view,
        detail=options.detail,
        links=options.links("actions", view.uuid),
        status_message=options.detailed(view.status_message, MESSAGE_SINCE),
    )


def _indicator(one: Mapping[str, Any]) -> IndicatorDocument:
    value = one.get("value")
    return IndicatorDocument(
        name=one["name"],
        description=one.get("description"),
        unit=one.get("unit"),
        value=None if value is None else float(value),
    )
