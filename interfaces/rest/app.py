import falcon

from application.kernel.errors import ApplicationError
from application.kernel.unit_of_work import KeyReused
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from application.ports.read_models import MarkerNotFound, UnknownSortKey
from domain.kernel.errors import DomainError
from interfaces.rest import errors
from interfaces.rest.lists import Listing
from interfaces.rest.middleware.access import AccessMiddleware
from interfaces.rest.middleware.paths import PathMiddleware
from interfaces.rest.middleware.requests import RequestMiddleware
from interfaces.rest.parameters import AT, Parameter
from interfaces.rest.resources import (
    audit_templates,
    audits,
    catalogue,
    data_model,
    events,
    plans,
    services,
)
from interfaces.rest.resources import stream as stream_of_events
from interfaces.rest.resources.audit_templates import AuditTemplatesResource
from interfaces.rest.resources.audits import AuditsResource, WebhooksResource
from interfaces.rest.resources.catalogue import (
    GoalsResource,
    ScoringEnginesResource,
    StrategiesResource,
)
from interfaces.rest.resources.data_model import DataModelResource, NoSubresource
from interfaces.rest.resources.description import OpenApiResource
from interfaces.rest.resources.discovery import RootResource, V1Resource
from interfaces.rest.resources.events import EventsResource
from interfaces.rest.resources.health import HealthResource
from interfaces.rest.resources.metrics import MetricsResource
from interfaces.rest.resources.plans import ActionPlansResource, ActionsResource
from interfaces.rest.resources.services import ServicesResource
from interfaces.rest.resources.stream import EventStreamResource
from interfaces.rest.routes import Access, Route, RouteMethod, by_method, get
from interfaces.rest.services import RestServices

App = falcon.App[falcon.Request, falcon.Response]

PUBLIC = RouteMethod("GET", access=Access.PUBLIC)


def routes(api: RestServices) -> list[Route]:
    """Every path of the API. Which rule guards what is said here and nowhere else."""
    health = HealthResource(api)
    return [
        Route("/", RootResource(api), None, (PUBLIC,)),
        Route("/healthcheck", health, None, (PUBLIC,)),
        Route("/healthcheck/live", health, "live", (PUBLIC,)),
        Route("/metrics", MetricsResource(api), None, (PUBLIC,)),
        Route("/openapi.json", OpenApiResource(api), None, (PUBLIC,)),
        Route("/v1", V1Resource(api), None, (RouteMethod("GET", access=Access.IDENTIFIED),)),
        *_readable(catalogue.GOALS, "goal", GoalsResource(api)),
        *_readable(catalogue.SCORING_ENGINES, "scoring_engine", ScoringEnginesResource(api)),
        *_readable(services.LISTING, "service", ServicesResource(api)),
        *_strategies(api),
        *_audit_templates(api),
        *_audits(api),
        *_plans(api),
        *_actions(api),
        *_webhooks(api),
        Route(
            "/v1/data_model",
            DataModelResource(api),
            None,
            (get("data_model:get_all", *data_model.QUERY),),
        ),
        Route("/v1/data_model/{rest}", NoSubresource(api)),
        *_events(api),
    ]


def _readable(
    listing: Listing,
    rule: str,
    resource: object,
    one: tuple[RouteMethod, ...] = (),
    many: tuple[RouteMethod, ...] = (),
    query: tuple[Parameter, ...] = (),
) -> list[Route]:
    path, rows = f"/v1/{listing.name}", listing.query
    return [
        Route(path, resource, "list", (get(f"{rule}:get_all", *rows), *many)),
        Route(f"{path}/detail", resource, "detail", (get(f"{rule}:detail", *rows),)),
        Route(f"{path}/{{ident}}", resource, None, (get(f"{rule}:get", *query), *one)),
    ]


def _events(api: RestServices) -> list[Route]:
    resource, page = EventsResource(api), events.PAGE
    plans = "/v1/action_plans/{ident}/events"
    stream = (get("event:stream", *stream_of_events.QUERY),)
    return [
        Route("/v1/events", resource, None, (get("event:get_all", *events.QUERY),)),
        Route("/v1/events/stream", EventStreamResource(api), None, stream),
        Route("/v1/audits/{ident}/events", resource, "audit", (get("audit:events", *page),)),
        Route(plans, resource, "plan", (get("action_plan:events", *page),)),
        Route("/v1/actions/{ident}/events", resource, "action", (get("action:events", *page),)),
    ]


def _strategies(api: RestServices) -> list[Route]:
    resource = StrategiesResource(api)
    state = Route("/v1/strategies/{ident}/state", resource, "state", (get("strategy:state"),))
    return [*_readable(catalogue.STRATEGIES, "strategy", resource), state]


def _audit_templates(api: RestServices) -> list[Route]:
    return _readable(
        audit_templates.LISTING,
        "audit_template",
        AuditTemplatesResource(api),
        one=(
            RouteMethod("PATCH", "audit_template:update"),
            RouteMethod("DELETE", "audit_template:delete"),
        ),
        many=(RouteMethod("POST", "audit_template:create"),),
    )


def _audits(api: RestServices) -> list[Route]:
    return _readable(
        audits.LISTING,
        "audit",
        AuditsResource(api),
        one=(RouteMethod("PATCH", "audit:update"), RouteMethod("DELETE", "audit:delete")),
        many=(RouteMethod("POST", "audit:create"),),
        query=(AT,),
    )


def _plans(api: RestServices) -> list[Route]:
    resource = ActionPlansResource(api)
    start = (RouteMethod("POST", "action_plan:start"), get("action_plan:start"))
    return [
        *_readable(
            plans.PLANS,
            "action_plan",
            resource,
            one=(
                RouteMethod("PATCH", "action_plan:update"),
                RouteMethod("DELETE", "action_plan:delete"),
            ),
            query=(AT,),
        ),
        Route(
            "/v1/action_plans/{ident}/explanation",
            resource,
            "explanation",
            (get("action_plan:explanation"),),
        ),
        Route("/v1/action_plans/{ident}/start", resource, "start", start),
    ]


def _actions(api: RestServices) -> list[Route]:
    update = RouteMethod("PATCH", "action:update")
    return _readable(plans.ACTIONS, "action", ActionsResource(api), one=(update,), query=(AT,))


def _webhooks(api: RestServices) -> list[Route]:
    resource = WebhooksResource(api)
    access = Access.RULE if api.settings.webhooks_auth else Access.OPEN
    trigger = (RouteMethod("POST", "webhook:trigger", access),)
    return [
        Route("/v1/webhooks", resource, "list", trigger),
        Route("/v1/webhooks/{ident}", resource, None, trigger),
    ]


def create_app(api: RestServices) -> App:
    """The WSGI application."""
    table = routes(api)
    public = frozenset(route.path for route in table if route.endpoints and route.public)
    app: App = falcon.App(
        middleware=[
            RequestMiddleware(api.authorizer, api.clock, api.ids, api.traffic),
            PathMiddleware(public),
            AccessMiddleware(
                by_method(table), public, None if api.settings.webhooks_auth else "/v1/webhooks/"
            ),
        ]
    )
    # an empty answer has no type; falcon knows what None means, its annotation does not
    app.resp_options.default_media_type = None  # type: ignore[assignment]
    for route in table:
        if isinstance(route.resource, OpenApiResource):
            route.resource.describe(table)
        if route.suffix is None:
            app.add_route(route.path, route.resource)
        else:
            app.add_route(route.path, route.resource, suffix=route.suffix)
    _answer_errors(app)
    return app


def _answer_errors(app: App) -> None:
    app.add_error_handler(Exception, errors.handle_unexpected)
    app.add_error_handler(falcon.HTTPError, errors.handle_http)
    known = (DomainError, ApplicationError, errors.RestError)
    ports = (ConcurrencyConflict, UnreadableEvent, MarkerNotFound, UnknownSortKey)
    for kind in (*known, *ports, StoreUnavailable, KeyReused):
        app.add_error_handler(kind, errors.handle_known)
    app.add_error_handler(EventLogUnavailable, errors.handle_log_away)
    app.add_error_handler(errors.Unauthenticated, errors.handle_unauthenticated)
    app.add_error_handler(errors.IdentityUnavailable, errors.handle_no_identity)
