"""Every path of the API, with the policy rule and the types of each of its methods."""

from dataclasses import replace
from typing import Any

from application.commands.audit_templates import NewTemplate
from application.commands.audits import NewAudit
from application.queries.overview import Overview
from interfaces import web
from interfaces.rest import event_query
from interfaces.rest.lists import Listing
from interfaces.rest.media import PatchOperation
from interfaces.rest.openapi.document import description
from interfaces.rest.parameters import AT, Parameter
from interfaces.rest.resources import (
    audit_templates,
    audits,
    catalogue,
    cluster,
    data_model,
    decisions,
    metrics,
    plans,
    runs,
    services,
    stream,
)
from interfaces.rest.resources.actuation import ActuationResource
from interfaces.rest.resources.description import OpenApiResource
from interfaces.rest.resources.discovery import RootResource, V1Resource
from interfaces.rest.resources.events import EventsResource
from interfaces.rest.resources.health import HealthResource
from interfaces.rest.resources.overview import OverviewResource
from interfaces.rest.resources.web import WebResource
from interfaces.rest.routes import ANYTHING, Access, Route, RouteMethod, RowsBody, TextBody
from interfaces.rest.schemas import documents
from interfaces.rest.schemas.actuation import ActuationDocument, ActuationRequest
from interfaces.rest.schemas.audits import AuditDocument, AuditTemplateDocument
from interfaces.rest.schemas.catalogue import GoalDocument, ScoringEngineDocument, StrategyDocument
from interfaces.rest.schemas.cluster import (
    HostDocument,
    HostsDocument,
    ServerDocument,
    ServersDocument,
)
from interfaces.rest.schemas.decisions import DecisionsDocument
from interfaces.rest.schemas.estimates import EstimateDocument
from interfaces.rest.schemas.events import EventDocument
from interfaces.rest.schemas.explanations import ExplanationDocument
from interfaces.rest.schemas.forks import ForkDocument, VariationRequest
from interfaces.rest.schemas.plans import ActionDocument, ActionPlanDocument, ReturnDocument
from interfaces.rest.schemas.services import ServiceDocument
from interfaces.rest.schemas.verification import VerificationDocument
from interfaces.rest.services import RestServices

PATCH = list[PatchOperation]
EVENTS = RowsBody("events", EventDocument)
NOT_FOUND, CONFLICT = frozenset({404}), frozenset({409})


def routes(api: RestServices) -> list[Route]:
    """The route table. Policy rules are assigned here and nowhere else."""
    table: list[Route] = []
    openapi = OpenApiResource(api, lambda: description(table))
    index = RouteMethod("GET", {200: documents.IndexDocument}, access=Access.IDENTIFIED)
    table += [
        Route("/", RootResource(api), None, _public({200: documents.RootDocument})),
        *_monitoring(api),
        *_web(api),
        Route("/openapi.json", openapi, None, _public({200: dict[str, Any]})),
        Route("/v1", V1Resource(api), None, (index,)),
        *_catalogue(api),
        *_audits(api),
        *_plans(api),
        *_actuation(api),
        *_overview(api),
        *_runs(api),
        *_cluster(api),
        *_webhooks(api),
        *_data_model(api),
        *_events(api),
    ]
    return table


def _monitoring(api: RestServices) -> list[Route]:
    health = HealthResource(api)
    ready = _public(dict.fromkeys((200, 503), documents.HealthDocument))
    exposition = _public({200: TextBody(tuple(metrics.FORMATS))})
    return [
        Route("/healthcheck", health, None, ready),
        Route("/healthcheck/live", health, "live", _public({200: documents.AliveDocument})),
        Route("/metrics", metrics.MetricsResource(api), None, exposition),
    ]


def _web(api: RestServices) -> list[Route]:
    """The web view: its files contain no data, so that they are public."""
    resource = WebResource(api)
    found = RouteMethod("GET", {302: None}, access=Access.PUBLIC)
    return [
        Route("/ui", resource, "start", (found,)),
        *(
            Route(f"/ui/{name}", WebResource(api, name), None, _public({200: TextBody((kind,))}))
            for name, kind in web.FILES.items()
        ),
    ]


def _catalogue(api: RestServices) -> list[Route]:
    goals, strategies = catalogue.GoalsResource(api), catalogue.StrategiesResource(api)
    engines = catalogue.ScoringEnginesResource(api)
    state = _get("strategy:state", list[documents.Prerequisite])
    return [
        *_collection(catalogue.GOALS, "goal", goals, GoalDocument),
        *_collection(catalogue.STRATEGIES, "strategy", strategies, StrategyDocument),
        Route("/v1/strategies/{ident}/state", strategies, "state", (state,)),
        *_collection(catalogue.SCORING_ENGINES, "scoring_engine", engines, ScoringEngineDocument),
        *_collection(services.LISTING, "service", services.ServicesResource(api), ServiceDocument),
    ]


def _audits(api: RestServices) -> list[Route]:
    return [
        *_collection(
            audit_templates.LISTING,
            "audit_template",
            audit_templates.AuditTemplatesResource(api),
            AuditTemplateDocument,
            new=NewTemplate,
            changes=("PATCH", "DELETE"),
        ),
        *_collection(
            audits.LISTING,
            "audit",
            audits.AuditsResource(api),
            AuditDocument,
            new=NewAudit,
            changes=("PATCH", "DELETE"),
            query=(AT,),
        ),
    ]


def _public(answers: dict[int, Any]) -> tuple[RouteMethod]:
    return (RouteMethod("GET", answers, access=Access.PUBLIC),)


def _get(rule: str, body: Any, *query: Parameter) -> RouteMethod:
    return RouteMethod("GET", {200: body}, rule, query=query)


def _collection(
    listing: Listing,
    rule: str,
    resource: object,
    row: type,
    *,
    new: type | None = None,
    changes: tuple[str, ...] = (),
    changes_since: int = 0,
    query: tuple[Parameter, ...] = (),
) -> list[Route]:
    """The routes of a collection: its two lists and its members.

    Args:
        listing: the lists.
        rule: name of the resource in policy rules.
        resource: answers all of them.
        row: type of a member.
        new: type of the body that creates a member; None = clients cannot create any.
        changes: methods that change a member, PATCH or DELETE.
        changes_since: minor version from which on these exist.
        query: query parameters of the GET of a member.
    """
    path, rows = f"/v1/{listing.name}", {200: RowsBody(listing.name, row)}
    listed = [
        RouteMethod("GET", rows, f"{rule}:{name}", query=listing.query, refusals=NOT_FOUND)
        for name in ("get_all", "detail")
    ]
    collection = [listed[0]]
    if new is not None:
        create = RouteMethod("POST", {201: row}, f"{rule}:create", body=new, refusals=NOT_FOUND)
        collection.append(create)
    member = [_get(f"{rule}:get", row, *query)]
    if "PATCH" in changes:
        member.append(
            RouteMethod(
                "PATCH",
                {200: row},
                f"{rule}:update",
                body=PATCH,
                since=changes_since,
                refusals=CONFLICT,
            )
        )
    if "DELETE" in changes:
        member.append(RouteMethod("DELETE", {204: None}, f"{rule}:delete", refusals=CONFLICT))
    return [
        Route(path, resource, "list", tuple(collection)),
        Route(f"{path}/detail", resource, "detail", (listed[1],)),
        Route(f"{path}/{{ident}}", resource, None, tuple(member)),
    ]


def _plans(api: RestServices) -> list[Route]:
    resource = plans.ActionPlansResource(api)
    path = "/v1/action_plans/{ident}"
    actions = _get("action_plan:actions", RowsBody(plans.ACTIONS.name, ActionDocument), AT)
    explanation = _get("action_plan:explanation", ExplanationDocument, *plans.EXPLANATION)
    estimate = _get("action_plan:estimate", EstimateDocument)
    start = (
        RouteMethod("POST", {200: ActionPlanDocument}, "action_plan:start", body=ANYTHING),
        RouteMethod("GET", {}, "action_plan:start"),
    )
    returns = (
        RouteMethod("POST", {202: ReturnDocument}, "action_plan:return", body=ANYTHING),
        _get("action_plan:return", ReturnDocument),
    )
    return [
        *_collection(
            plans.PLANS,
            "action_plan",
            resource,
            ActionPlanDocument,
            changes=("PATCH", "DELETE"),
            query=(AT,),
        ),
        Route(f"{path}/actions", resource, "actions", (actions,)),
        Route(f"{path}/explanation", resource, "explanation", (explanation,)),
        Route(f"{path}/estimate", resource, "estimate", (estimate,)),
        Route(f"{path}/start", resource, "start", start),
        Route(f"{path}/return", resource, "return", returns),
        *_collection(
            plans.ACTIONS,
            "action",
            plans.ActionsResource(api),
            ActionDocument,
            changes=("PATCH",),
            changes_since=plans.PATCH_SINCE,
            query=(AT,),
        ),
    ]


def _actuation(api: RestServices) -> list[Route]:
    switch = (
        _get("actuation:get", ActuationDocument),
        RouteMethod("PUT", {200: ActuationDocument}, "actuation:update", body=ActuationRequest),
    )
    return [Route("/v1/actuation", ActuationResource(api), None, switch)]


def _overview(api: RestServices) -> list[Route]:
    shown = RouteMethod("GET", {200: Overview}, "overview:get", query=(AT,), refusals=NOT_FOUND)
    return [Route("/v1/overview", OverviewResource(api), None, (shown,))]


def _runs(api: RestServices) -> list[Route]:
    resource, path = runs.RunsResource(api), "/v1/runs/{ident}"
    verified = _get("run:verification", VerificationDocument)
    forked = RouteMethod("POST", {200: ForkDocument}, "run:whatif", body=VariationRequest)
    return [
        Route(f"{path}/verification", resource, "verification", (verified,)),
        Route(f"{path}/whatif", resource, "whatif", (forked,)),
    ]


def _cluster(api: RestServices) -> list[Route]:
    hosts, servers = cluster.HostsResource(api), cluster.ServersResource(api)
    every_host = _get("host:get_all", HostsDocument, *cluster.HOSTS)
    every_server = _get("server:get_all", ServersDocument, *cluster.SERVERS)
    return [
        Route("/v1/hosts", hosts, "list", (replace(every_host, refusals=NOT_FOUND),)),
        Route("/v1/servers", servers, "list", (replace(every_server, refusals=NOT_FOUND),)),
        Route("/v1/hosts/{ident}", hosts, None, (_get("host:get", HostDocument, *cluster.ONE),)),
        Route(
            "/v1/servers/{ident}",
            servers,
            None,
            (_get("server:get", ServerDocument, *cluster.ONE),),
        ),
    ] + [
        Route(
            f"/v1/{kind}s/{{ident}}/decisions",
            decisions.DecisionsResource(api, kind),
            None,
            (_get(f"{kind}:decisions", DecisionsDocument, *decisions.QUERY),),
        )
        for kind in plans.KINDS
    ]


def _webhooks(api: RestServices) -> list[Route]:
    resource = audits.WebhooksResource(api)
    access = Access.RULE if api.settings.webhooks_auth else Access.OPEN
    missing = RouteMethod("POST", {}, "webhook:trigger", access, body=ANYTHING)
    trigger = RouteMethod("POST", {202: None}, "webhook:trigger", access, body=ANYTHING)
    return [
        Route("/v1/webhooks", resource, "list", (missing,)),
        Route("/v1/webhooks/{ident}", resource, None, (trigger,)),
    ]


def _data_model(api: RestServices) -> list[Route]:
    rows = RouteMethod(
        "GET",
        {200: documents.DataModelDocument},
        "data_model:get_all",
        query=data_model.QUERY,
        since=data_model.SINCE,
        refusals=NOT_FOUND,
    )
    return [
        Route("/v1/data_model", data_model.DataModelResource(api), None, (rows,)),
        Route("/v1/data_model/{rest}", data_model.NoSubresource(api)),
    ]


def _events(api: RestServices) -> list[Route]:
    resource = EventsResource(api)
    followed = TextBody((stream.CONTENT_TYPE,), EventDocument)
    every = _get("event:get_all", EVENTS, *event_query.LIST)
    new = _get("event:stream", followed, *event_query.STREAM)
    return [
        Route("/v1/events", resource, None, (every,)),
        Route("/v1/events/stream", stream.EventStreamResource(api), None, (new,)),
        *(
            Route(
                f"/v1/{rule}s/{{ident}}/events",
                resource,
                suffix,
                (_get(f"{rule}:events", EVENTS, *event_query.PAGE),),
            )
            for rule, suffix in (("audit", "audit"), ("action_plan", "plan"), ("action", "action"))
        ),
    ]
