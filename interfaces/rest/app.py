import falcon

from application.kernel.errors import ApplicationError
from application.kernel.unit_of_work import KeyReused
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable, Unreadable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import MarkerNotFound, UnknownSortKey
from domain.kernel.errors import DomainError
from interfaces.rest import errors
from interfaces.rest.lists import Listing
from interfaces.rest.middleware.access import Gate
from interfaces.rest.middleware.paths import Paths
from interfaces.rest.middleware.requests import Requests
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
from interfaces.rest.resources.audit_templates import AuditTemplates
from interfaces.rest.resources.audits import Audits, Webhooks
from interfaces.rest.resources.catalogue import Goals, ScoringEngines, Strategies
from interfaces.rest.resources.data_model import Beneath, DataModel
from interfaces.rest.resources.description import Description
from interfaces.rest.resources.discovery import Index, Root
from interfaces.rest.resources.events import Events
from interfaces.rest.resources.health import Health
from interfaces.rest.resources.metrics import Metrics
from interfaces.rest.resources.plans import ActionPlans, Actions
from interfaces.rest.resources.services import WorkerServices
from interfaces.rest.resources.stream import EventStream
from interfaces.rest.routes import Access, Endpoint, Route, by_method, get
from interfaces.rest.services import RestServices

App = falcon.App[falcon.Request, falcon.Response]

PUBLIC = Endpoint("GET", access=Access.PUBLIC)


def routes(api: RestServices) -> list[Route]:
    """Every path of the API. Which rule guards what is said here and nowhere else."""
    health = Health(api)
    return [
        Route("/", Root(api), None, (PUBLIC,)),
        Route("/healthcheck", health, None, (PUBLIC,)),
        Route("/healthcheck/live", health, "live", (PUBLIC,)),
        Route("/metrics", Metrics(api), None, (PUBLIC,)),
        Route("/openapi.json", Description(api), None, (PUBLIC,)),
        Route("/v1", Index(api), None, (Endpoint("GET", access=Access.IDENTIFIED),)),
        *_readable(catalogue.GOALS, "goal", Goals(api)),
        *_readable(catalogue.SCORING_ENGINES, "scoring_engine", ScoringEngines(api)),
        *_readable(services.LISTING, "service", WorkerServices(api)),
        *_strategies(api),
        *_audit_templates(api),
        *_audits(api),
        *_plans(api),
        *_actions(api),
        *_webhooks(api),
        Route(
            "/v1/data_model",
            DataModel(api),
            None,
            (get("data_model:get_all", *data_model.QUERY),),
        ),
        Route("/v1/data_model/{rest}", Beneath(api)),
        *_events(api),
    ]


def _readable(
    listing: Listing,
    rule: str,
    resource: object,
    one: tuple[Endpoint, ...] = (),
    many: tuple[Endpoint, ...] = (),
    query: tuple[Parameter, ...] = (),
) -> list[Route]:
    path, rows = f"/v1/{listing.name}", listing.query
    return [
        Route(path, resource, "list", (get(f"{rule}:get_all", *rows), *many)),
        Route(f"{path}/detail", resource, "detail", (get(f"{rule}:detail", *rows),)),
        Route(f"{path}/{{ident}}", resource, None, (get(f"{rule}:get", *query), *one)),
    ]


def _events(api: RestServices) -> list[Route]:
    resource, page = Events(api), events.PAGE
    plans = "/v1/action_plans/{ident}/events"
    stream = (get("event:stream", *stream_of_events.QUERY),)
    return [
        Route("/v1/events", resource, None, (get("event:get_all", *events.QUERY),)),
        Route("/v1/events/stream", EventStream(api), None, stream),
        Route("/v1/audits/{ident}/events", resource, "audit", (get("audit:events", *page),)),
        Route(plans, resource, "plan", (get("action_plan:events", *page),)),
        Route("/v1/actions/{ident}/events", resource, "action", (get("action:events", *page),)),
    ]


def _strategies(api: RestServices) -> list[Route]:
    resource = Strategies(api)
    state = Route("/v1/strategies/{ident}/state", resource, "state", (get("strategy:state"),))
    return [*_readable(catalogue.STRATEGIES, "strategy", resource), state]


def _audit_templates(api: RestServices) -> list[Route]:
    return _readable(
        audit_templates.LISTING,
        "audit_template",
        AuditTemplates(api),
        one=(
            Endpoint("PATCH", "audit_template:update"),
            Endpoint("DELETE", "audit_template:delete"),
        ),
        many=(Endpoint("POST", "audit_template:create"),),
    )


def _audits(api: RestServices) -> list[Route]:
    return _readable(
        audits.LISTING,
        "audit",
        Audits(api),
        one=(Endpoint("PATCH", "audit:update"), Endpoint("DELETE", "audit:delete")),
        many=(Endpoint("POST", "audit:create"),),
        query=(AT,),
    )


def _plans(api: RestServices) -> list[Route]:
    resource = ActionPlans(api)
    start = (Endpoint("POST", "action_plan:start"), get("action_plan:start"))
    return [
        *_readable(
            plans.PLANS,
            "action_plan",
            resource,
            one=(Endpoint("PATCH", "action_plan:update"), Endpoint("DELETE", "action_plan:delete")),
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
    update = Endpoint("PATCH", "action:update")
    return _readable(plans.ACTIONS, "action", Actions(api), one=(update,), query=(AT,))


def _webhooks(api: RestServices) -> list[Route]:
    resource = Webhooks(api)
    access = Access.RULE if api.settings.webhooks_auth else Access.OPEN
    trigger = (Endpoint("POST", "webhook:trigger", access),)
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
            Requests(api.authorizer, api.clock, api.ids, api.traffic),
            Paths(public),
            Gate(by_method(table), public, None if api.settings.webhooks_auth else "/v1/webhooks/"),
        ]
    )
    # an empty answer has no type; falcon knows what None means, its annotation does not
    app.resp_options.default_media_type = None  # type: ignore[assignment]
    for route in table:
        if isinstance(route.resource, Description):
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
    ports = (ConcurrencyConflict, Unreadable, MarkerNotFound, UnknownSortKey)
    for kind in (*known, *ports, StoreUnavailable, KeyReused):
        app.add_error_handler(kind, errors.handle_known)
    app.add_error_handler(EventLogUnavailable, errors.handle_log_away)
    app.add_error_handler(errors.Unauthenticated, errors.handle_unauthenticated)
    app.add_error_handler(errors.IdentityUnavailable, errors.handle_no_identity)
