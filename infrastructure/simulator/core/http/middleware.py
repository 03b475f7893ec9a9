"""Applied to every request: ids, tokens, microversions and error bodies."""

import logging
from typing import Any

import falcon

from infrastructure.simulator.core.caller import RequestContext, Version
from infrastructure.simulator.core.errors import (
    ApiError,
    ApiForbidden,
    ApiNotAcceptable,
    ApiUnauthorized,
)
from infrastructure.simulator.core.http import microversions
from infrastructure.simulator.core.http.calls import ApiRequest, App, reply
from infrastructure.simulator.core.http.envelopes import envelope
from infrastructure.simulator.core.people import ADMIN_PROJECT, DOMAIN_ID, User, Users
from infrastructure.simulator.core.tokens import Claims, Tokens
from infrastructure.simulator.core.world import World
from infrastructure.web_pages import PageGuard

LOG = logging.getLogger(__name__)

SYSTEM = "system"
_SERVICES = ("identity", "compute", "placement", "volume", "baremetal", "vigil", "MAAS")
_UNAUTHORIZED = 401
_VERSIONED = ("compute", "placement", "volume", "baremetal")
# Discovery documents need no token; Keystone and MAAS check their own credentials.
_PUBLIC = (
    "/compute",
    "/compute/v2.1",
    "/placement",
    "/volume",
    "/baremetal",
    "/baremetal/v1",
)
_NOWHERE = RequestContext(user_id="", project_id="", roles=(), request_id="")


def caller_of(user: User, scope: str, request_id: str) -> RequestContext:
    """The rights that a token carries."""
    if scope == SYSTEM:
        roles = user.roles_on(ADMIN_PROJECT.id)
        return RequestContext(user.id, ADMIN_PROJECT.id, roles, request_id)
    project = "" if scope == DOMAIN_ID else scope
    return RequestContext(user.id, project, user.roles_on(scope), request_id)


class SimulatorRequests:
    """Gives each request its id, its caller and its version."""

    def __init__(self, world: World, users: Users, tokens: Tokens, guard: PageGuard | None) -> None:
        self._world = world
        self._users, self._tokens = users, tokens
        self._guard = guard

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Determine service, version and caller; set also if the request is then refused."""
        service = req.path.split("/", 2)[1]
        service = service if service in _SERVICES else ""
        request_id = f"req-{self._world.clock.unique()}"
        version: Version = (0, 0)
        call = ApiRequest(request_id, service, version, None, _NOWHERE)
        req.context.call = call
        if self._guard is not None:
            self._refuse_pages(self._guard, req)
        if service in _VERSIONED:
            try:
                version = microversions.negotiate(req, service)
            except ApiNotAcceptable as refusal:
                if service == "compute":
                    req.context.call = ApiRequest(
                        request_id, service, refusal.asked, None, _NOWHERE
                    )
                raise
            req.context.call = ApiRequest(request_id, service, version, None, _NOWHERE)
        claims = self._claims(req)
        public = service in ("", "identity", "MAAS") or req.path.rstrip("/") in _PUBLIC
        if claims is None and not public:
            raise ApiUnauthorized
        if claims is not None:
            user = self._users.get(claims.user_id)
            assert user is not None  # noqa: S101 - a valid token has one
            caller = caller_of(user, claims.scope, request_id)
            req.context.call = ApiRequest(request_id, service, version, claims, caller)
            if claims.scope == DOMAIN_ID and service in _VERSIONED:
                raise ApiForbidden("A token for a domain gives no rights here.")

    @staticmethod
    def _refuse_pages(guard: PageGuard, req: falcon.Request) -> None:
        """The control interface needs no token, and the simulator's passwords are known."""
        refusal = guard.refusal(req.scheme, req.get_header("Host"), req.get_header("Origin"))
        if refusal is not None:
            status, why = refusal
            raise ApiError(f"{why}.", status)

    def _claims(self, req: falcon.Request) -> Claims | None:
        token = req.get_header("X-Auth-Token")
        return self._tokens.check(token) if token else None

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _req_succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Put the request's id and version into the answer."""
        call: ApiRequest = req.context.call
        resp.set_header("x-openstack-request-id", call.request_id)
        if call.service == "compute":
            resp.set_header("x-compute-request-id", call.request_id)
        if call.service == "identity":
            resp.append_header("Vary", "X-Auth-Token")
        if call.version != (0, 0) and resp.status_code != _UNAUTHORIZED:
            microversions.announce(resp, call.service, call.version)


def add_error_handlers(app: App) -> None:
    """Answer every error in the form of its service."""
    app.add_error_handler(Exception, _crashed)
    app.add_error_handler(falcon.HTTPError, _refused_by_falcon)
    app.add_error_handler(ApiError, _refused)


def _refused(
    req: falcon.Request, resp: falcon.Response, error: ApiError, _params: dict[str, Any]
) -> None:
    reply(resp, envelope(req.context.call, error.status, error.message), error.status)


def _refused_by_falcon(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
) -> None:
    message = error.description or error.title or "The resource could not be found."
    reply(resp, envelope(req.context.call, error.status_code, message), error.status_code)
    if error.headers:
        resp.set_headers(error.headers)


def _crashed(
    req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
) -> None:
    call: ApiRequest = req.context.call
    LOG.error(
        "%s %s failed (%s): answered 500", req.method, req.path, call.request_id, exc_info=error
    )
    reply(resp, envelope(call, 500, f"Unexpected API Error. {type(error)}"), 500)
