"""What each method of each path takes and answers, in the types that encode and decode it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
from interfaces.rest.schemas.audits import Audit, AuditBody, AuditTemplate, AuditTemplateBody
from interfaces.rest.schemas.events import Event
from interfaces.rest.schemas.explanations import Explanation
from interfaces.rest.schemas.plans import Action, ActionPlan
from interfaces.rest.schemas.services import Service


@dataclass(frozen=True)
class Rows:
    """A page of a list: an object with the rows under a name, and perhaps ``next``."""

    name: str
    row: type


@dataclass(frozen=True)
class Text:
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
class Operation:
    """What a method of a path takes and answers when nothing goes wrong.

    Attributes:
        answers: status → type of the body, ``Rows``, ``Text``, or None without one.
        body: type of the request's body, ``ANYTHING``, or None without one.
        since: microversion 1.n from which on it is there.
        refusals: statuses that it may refuse with, beyond those that its shape implies.
    """

    answers: Mapping[int, Any]
    body: Any = None
    since: int = 0
    refusals: frozenset[int] = field(default_factory=frozenset)


Key = tuple[str, str]
EVENTS = Rows("events", Event)
UUIDS = frozenset({"action_plans", "actions"})
"""Collections whose members have no names."""


def operations() -> dict[Key, Operation]:
    """By path template and method."""
    return {
        ("/", "GET"): Operation({200: documents.Root}),
        ("/healthcheck", "GET"): Operation({200: documents.Health, 503: documents.Health}),
        ("/healthcheck/live", "GET"): Operation({200: documents.Alive}),
        ("/metrics", "GET"): Operation({200: Text(exposition.CONTENT_TYPE)}),
        ("/openapi.json", "GET"): Operation({200: dict[str, Any]}),
        ("/v1", "GET"): Operation({200: documents.Index}),
        **_readable(catalogue.GOALS, definitions.Goal),
        **_readable(catalogue.STRATEGIES, definitions.Strategy),
        **_readable(catalogue.SCORING_ENGINES, definitions.ScoringEngine),
        **_readable(services.LISTING, Service),
        **_readable(audit_templates.LISTING, AuditTemplate, AuditTemplateBody),
        **_readable(audits.LISTING, Audit, AuditBody),
        **_readable(plans.PLANS, ActionPlan),
        **_readable(plans.ACTIONS, Action),
        **_changeable(audit_templates.LISTING, AuditTemplate),
        **_changeable(audits.LISTING, Audit),
        **_changeable(plans.PLANS, ActionPlan),
        ("/v1/strategies/{ident}/state", "GET"): Operation({200: list[documents.Prerequisite]}),
        ("/v1/actions/{ident}", "PATCH"): Operation(
            {200: Action}, PATCH, plans.PATCH_SINCE, frozenset({409})
        ),
        ("/v1/action_plans/{ident}/start", "POST"): Operation({200: ActionPlan}, ANYTHING),
        ("/v1/action_plans/{ident}/start", "GET"): Operation({}),
        ("/v1/webhooks", "POST"): Operation({}, ANYTHING),
        ("/v1/webhooks/{ident}", "POST"): Operation({202: None}, ANYTHING),
        ("/v1/data_model", "GET"): Operation(
            {200: documents.DataModel}, since=data_model.SINCE, refusals=frozenset({404})
        ),
        **_own(),
    }


def _own() -> dict[Key, Operation]:
    """What the compatible API has not."""
    followed = Operation({200: Text(stream.CONTENT_TYPE, Event)})
    return {
        ("/v1/events", "GET"): Operation({200: EVENTS}),
        ("/v1/events/stream", "GET"): followed,
        ("/v1/audits/{ident}/events", "GET"): Operation({200: EVENTS}),
        ("/v1/action_plans/{ident}/events", "GET"): Operation({200: EVENTS}),
        ("/v1/actions/{ident}/events", "GET"): Operation({200: EVENTS}),
        ("/v1/action_plans/{ident}/explanation", "GET"): Operation({200: Explanation}),
    }


def _readable(listing: Listing, row: type, new: type | None = None) -> dict[Key, Operation]:
    path = f"/v1/{listing.name}"
    rows = Operation({200: Rows(listing.name, row)}, refusals=frozenset({404}))
    found = {
        (path, "GET"): rows,
        (f"{path}/detail", "GET"): rows,
        (f"{path}/{{ident}}", "GET"): Operation({200: row}),
    }
    if new is not None:
        found[path, "POST"] = Operation({201: row}, new, refusals=frozenset({404}))
    return found


def _changeable(listing: Listing, row: type) -> dict[Key, Operation]:
    path = f"/v1/{listing.name}/{{ident}}"
    return {
        (path, "PATCH"): Operation({200: row}, PATCH, refusals=frozenset({409})),
        (path, "DELETE"): Operation({204: None}, refusals=frozenset({409})),
    }
