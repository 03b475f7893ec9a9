"""Audits and audit templates as the API shows them (rest-api 2.3, 2.4, 4.1)."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import AuditTemplateView, AuditView
from domain.audits import AuditState, AuditType
from interfaces.rest.schemas.common import Link, Look, document, naive, one_of, to_the_second

FORCE_SINCE = 2
TIMES_SINCE = 1
MESSAGE_SINCE = 5
DEFAULTS_SINCE = 7


class AuditDocument(msgspec.Struct, kw_only=True):
    """A request to optimise."""

    uuid: UUID
    name: str
    audit_type: Annotated[str, one_of(AuditType)]
    state: Annotated[str, one_of(AuditState)]
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    interval: str | None
    scope: list[Any]
    auto_trigger: bool
    next_run_time: str | None
    force: bool
    links: list[Link]
    parameters: dict[str, Any] | UnsetType = UNSET
    hostname: str | UnsetType | None = UNSET
    start_time: str | UnsetType | None = UNSET
    end_time: str | UnsetType | None = UNSET
    status_message: str | UnsetType | None = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


class AuditTemplateDocument(msgspec.Struct, kw_only=True):
    """A named goal with perhaps a strategy, a scope and default parameters."""

    uuid: UUID
    name: str
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    scope: list[Any]
    links: list[Link]
    description: str | UnsetType | None = UNSET
    default_parameters: dict[str, Any] | UnsetType = UNSET
    created_at: str | UnsetType | None = UNSET
    updated_at: str | UnsetType | None = UNSET
    deleted_at: str | UnsetType | None = UNSET


def audit(view: AuditView, look: Look) -> AuditDocument:
    """An audit as a request may see it."""
    return document(
        AuditDocument,
        view,
        detail=look.detail,
        next_run_time=to_the_second(view.next_run_time),
        force=view.force if look.detail and look.minor >= FORCE_SINCE else False,
        links=look.links("audits", view.uuid),
        start_time=look.detailed(naive(view.start_time), TIMES_SINCE),
        end_time=look.detailed(naive(view.end_time), TIMES_SINCE),
        status_message=look.detailed(view.status_message, MESSAGE_SINCE),
    )


def audit_template(view: AuditTemplateView, look: Look) -> AuditTemplateDocument:
    """An audit template as a request may see it."""
    return document(
        AuditTemplateDocument,
        view,
        detail=look.detail,
        links=look.links("audit_templates", view.uuid),
        default_parameters=look.detailed(view.default_parameters, DEFAULTS_SINCE),
    )
