"""Action plans and actions as the API shows them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import ActionPlanView, ActionView
from domain.plans.action import ActionState
from domain.plans.events import PlanState
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
