"""The WSGI application."""

import falcon

from application.kernel.errors import ApplicationError
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable, UnreadableEvent
from application.ports.projections import StoreUnavailable
from application.ports.read_models import MarkerNotFound, UnknownSortKey
from domain.kernel.errors import DomainError
from interfaces.rest import errors
from interfaces.rest.middleware.access import AccessMiddleware
from interfaces.rest.middleware.pages import PageMiddleware
from interfaces.rest.middleware.past import PastMiddleware
from interfaces.rest.middleware.paths import PathMiddleware
from interfaces.rest.middleware.requests import RequestMiddleware
from interfaces.rest.route_table import routes
from interfaces.rest.routes import by_method
from interfaces.rest.services import RestServices

App = falcon.App[falcon.Request, falcon.Response]


def create_app(api: RestServices) -> App:
    """The WSGI application."""
    table = routes(api)
    public = frozenset(route.path for route in table if route.endpoints and route.public)
    app: App = falcon.App(
        middleware=[
            RequestMiddleware(api.authorizer, api.clock, api.ids, api.traffic),
            *([] if api.settings.guard is None else [PageMiddleware(api.settings.guard)]),
            *([] if api.settings.past is None else [PastMiddleware(api.settings.past)]),
            PathMiddleware(public),
            AccessMiddleware(
                by_method(table), public, None if api.settings.webhooks_auth else "/v1/webhooks/"
            ),
        ]
    )
    # an empty response has no type; falcon accepts None, its annotation does not
    app.resp_options.default_media_type = None  # type: ignore[assignment]
    for route in table:
        if route.suffix is None:
            app.add_route(route.path, route.resource)
        else:
            app.add_route(route.path, route.resource, suffix=route.suffix)
    _add_error_handlers(app, errors.RefusalHandler(api.reads, api.settings.visibility_timeout))
    return app


def _add_error_handlers(app: App, refused: errors.RefusalHandler) -> None:
    app.add_error_handler(Exception, errors.handle_unexpected)
    app.add_error_handler(falcon.HTTPError, errors.handle_http)
    app.add_error_handler(DomainError, refused)
    app.add_error_handler(ApplicationError, refused)
    ports = (ConcurrencyConflict, UnreadableEvent, MarkerNotFound, UnknownSortKey)
    for kind in (errors.RestError, *ports, StoreUnavailable):
        app.add_error_handler(kind, errors.handle_known)
    app.add_error_handler(EventLogUnavailable, errors.handle_log_unavailable)
    app.add_error_handler(errors.Unauthenticated, errors.handle_unauthenticated)
    app.add_error_handler(errors.IdentityUnavailable, errors.handle_identity_unavailable)
