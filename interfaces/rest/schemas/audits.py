"""Audits and audit templates as the API shows them."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from application.ports.read_models import AuditTemplateView, AuditView
from domain.audits import AuditState, AuditType
from interfaces.rest.schemas.common import (
    MESSAGE_SINCE,
    Link,
    ViewOptions,
    document,
    naive,
    one_of,
    to_the_second,
)

FORCE_SINCE = 2
TIMES_SINCE = 1
DEFAULTS_SINCE = 7


class AuditDocument(msgspec.Struct, kw_only=True):
    """An audit: a request to optimise."""

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
    """A named goal with optional strategy, scope and default parameters."""

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


def audit(view: AuditView, options: ViewOptions) -> AuditDocument:
    """The document of an audit."""
    return document(
        AuditDocument,
        view,
        detail=options.detail,
        next_run_time=to_the_second(view.next_run_time),
        force=view.force if options.detail and options.minor >= FORCE_SINCE else False,
        links=options.links("audits", view.uuid),
        start_time=options.detailed(naive(view.start_time), TIMES_SINCE),
        end_time=options.detailed(naive(view.end_time), TIMES_SINCE),
        status_message=options.detailed(view.status_message, MESSAGE_SINCE),
    )


def audit_template(view: AuditTemplateView, options: ViewOptions) -> AuditTemplateDocument:
    """The document of an audit template."""
    return document(
        AuditTemplateDocument,
        view,
        detail=options.detail,
        links=options.links("audit_templates", view.uuid),
        default_parameters=options.detailed(view.default_parameters, DEFAULTS_SINCE),
    )
