"""What each method of each path takes and answers, in the types that encode and decode it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from application.commands.audit_templates import NewTemplate
from application.commands.audits import NewAudit
from interfaces.rest import exposition
from interfaces.rest.lists import Listing
from interfaces.rest.media import PatchOperation
from interfaces.rest.resources import (
    audit_templates,
    audits,
    catalogue,
    data_model,
    plans,
    services,
    stream,
)
from interfaces.rest.schemas import catalogue as definitions
from interfaces.rest.schemas import documents
from interfaces.rest.schemas.audits import (
    AuditDocument,
    AuditTemplateDocument,
)
from interfaces.rest.schemas.events import EventDocument
from interfaces.rest.schemas.explanations import ExplanationDocument
from interfaces.rest.schemas.plans import ActionDocument, ActionPlanDocument
from interfaces.rest.schemas.services import ServiceDocument


@dataclass(frozen=True)
class RowsBody:
    """A page of a list: an object with the rows under a name, and perhaps ``next``."""

    name: str
    row: type


@dataclass(frozen=True)
class TextBody:
    """A body that is not JSON.

    Attributes:
        item: type of the JSON document in each server-sent event; None = plain text.
    """

    media: str
    item: type | None = None


ANYTHING = object()
"""A body that may be any JSON document."""
PATCH = list[PatchOperation]


@dataclass(frozen=True)
class OperationDescription:
    """What a method of a path takes and answers when nothing goes wrong.

    Attributes:
        answers: status → type of the body, ``RowsBody``, ``TextBody``, or None without one.
        body: type of the request's body, ``ANYTHING``, or None without one.
        since: microversion 1.n from which on it is there.
        refusals: statuses that it may refuse with, beyond those that its shape implies.
    """

    answers: Mapping[int, Any]
    body: Any = None
    since: int = 0
    refusals: frozenset[int] = field(default_factory=frozenset)


Key = tuple[str, str]
EVENTS = RowsBody("events", EventDocument)
UUIDS = frozenset({"action_plans", "actions"})
"""Collections whose members have no names."""


def operations() -> dict[Key, OperationDescription]:
    """By path template and method."""
    return {
        ("/", "GET"): OperationDescription({200: documents.RootDocument}),
        ("/healthcheck", "GET"): OperationDescription(
            {200: documents.HealthDocument, 503: documents.HealthDocument}
        ),
        ("/healthcheck/live", "GET"): OperationDescription({200: documents.AliveDocument}),
        ("/metrics", "GET"): OperationDescription({200: TextBody(exposition.CONTENT_TYPE)}),
        ("/openapi.json", "GET"): OperationDescription({200: dict[str, Any]}),
        ("/v1", "GET"): OperationDescription({200: documents.IndexDocument}),
        **_readable(catalogue.GOALS, definitions.GoalDocument),
        **_readable(catalogue.STRATEGIES, definitions.StrategyDocument),
        **_readable(catalogue.SCORING_ENGINES, definitions.ScoringEngineDocument),
        **_readable(services.LISTING, ServiceDocument),
        **_readable(audit_templates.LISTING, AuditTemplateDocument, NewTemplate),
        **_readable(audits.LISTING, AuditDocument, NewAudit),
        **_readable(plans.PLANS, ActionPlanDocument),
        **_readable(plans.ACTIONS, ActionDocument),
        **_changeable(audit_templates.LISTING, AuditTemplateDocument),
        **_changeable(audits.LISTING, AuditDocument),
        **_changeable(plans.PLANS, ActionPlanDocument),
        ("/v1/strategies/{ident}/state", "GET"): OperationDescription(
            {200: list[documents.Prerequisite]}
        ),
        ("/v1/actions/{ident}", "PATCH"): OperationDescription(
            {200: ActionDocument}, PATCH, plans.PATCH_SINCE, frozenset({409})
        ),
        ("/v1/action_plans/{ident}/start", "POST"): OperationDescription(
            {200: ActionPlanDocument}, ANYTHING
        ),
        ("/v1/action_plans/{ident}/start", "GET"): OperationDescription({}),
        ("/v1/webhooks", "POST"): OperationDescription({}, ANYTHING),
        ("/v1/webhooks/{ident}", "POST"): OperationDescription({202: None}, ANYTHING),
        ("/v1/data_model", "GET"): OperationDescription(
            {200: documents.DataModelDocument}, since=data_model.SINCE, refusals=frozenset({404})
        ),
        **_own(),
    }


def _own() -> dict[Key, OperationDescription]:
    """What the compatible API has not."""
    followed = OperationDescription({200: TextBody(stream.CONTENT_TYPE, EventDocument)})
    return {
        ("/v1/events", "GET"): OperationDescription({200: EVENTS}),
        ("/v1/events/stream", "GET"): followed,
        ("/v1/audits/{ident}/events", "GET"): OperationDescription({200: EVENTS}),
        ("/v1/action_plans/{ident}/events", "GET"): OperationDescription({200: EVENTS}),
        ("/v1/actions/{ident}/events", "GET"): OperationDescription({200: EVENTS}),
        ("/v1/action_plans/{ident}/explanation", "GET"): OperationDescription(
            {200: ExplanationDocument}
        ),
    }


def _readable(
    listing: Listing, row: type, new: type | None = None
) -> dict[Key, OperationDescription]:
    path = f"/v1/{listing.name}"
    rows = OperationDescription({200: RowsBody(listing.name, row)}, refusals=frozenset({404}))
    found = {
        (path, "GET"): rows,
        (f"{path}/detail", "GET"): rows,
        (f"{path}/{{ident}}", "GET"): OperationDescription({200: row}),
    }
    if new is not None:
        found[path, "POST"] = OperationDescription({201: row}, new, refusals=frozenset({404}))
    return found


def _changeable(listing: Listing, row: type) -> dict[Key, OperationDescription]:
    path = f"/v1/{listing.name}/{{ident}}"
    return {
        (path, "PATCH"): OperationDescription({200: row}, PATCH, refusals=frozenset({409})),
        (path, "DELETE"): OperationDescription({204: None}, refusals=frozenset({409})),
    }
