import logging
from collections.abc import Mapping

import falcon

from domain.kernel.metadata import Actor, ActorKind
from interfaces.rest import versions
from interfaces.rest.auth import Caller
from interfaces.rest.call import call_of
from interfaces.rest.errors import MalformedRequest, answer
from interfaces.rest.routes import Access, RouteMethod

LOG = logging.getLogger("vigil.rest")


class AccessMiddleware:
    """Checks each request: identity, microversion, then the access rules of its route.

    Args:
        endpoints: by path template and method.
        public: paths that need no identity and have no microversions.
        open_prefix: paths below it need no identity either; None = there are none.
    """

    def __init__(
        self,
        endpoints: Mapping[tuple[str, str], RouteMethod],
        public: frozenset[str],
        open_prefix: str | None,
    ) -> None:
        self._endpoints = endpoints
        self._public = public
        self._open_prefix = open_prefix

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Identifies the caller, then negotiates the microversion."""
        if req.path in self._public or req.method == "OPTIONS":
            return
        call = call_of(req)
        if self._open_prefix is not None and req.path.startswith(self._open_prefix):
            call.allow(Caller(Actor(ActorKind.USER, "webhook", "webhook"), frozenset()))
        else:
            call.caller = call.authorizer.identify(req)
        resp.set_header("OpenStack-API-Minimum-Version", f"1.{versions.LOWEST}")
        resp.set_header("OpenStack-API-Maximum-Version", f"1.{versions.HIGHEST}")
        resp.set_header("Vary", versions.HEADER)
        call.minor = versions.negotiated(req.get_header(versions.HEADER))
        resp.set_header(versions.HEADER, f"{versions.SERVICE} 1.{call.minor}")

    def process_resource(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        params: Mapping[str, object],
    ) -> None:
        """Sets the request's policy rule; refuses query parameters on routes without any.

        Raises:
            HTTPMethodNotAllowed: the framework does not know the method.
            MalformedRequest: the request has query parameters, the route has none.
        """
        del resp, resource, params
        if req.method not in falcon.COMBINED_METHODS:
            raise falcon.HTTPMethodNotAllowed(self._methods(req.uri_template))
        endpoint = self._endpoints.get((req.uri_template or "", req.method))
        if endpoint is None:
            return
        call_of(req).rule = endpoint.rule
        if req.query_string and not endpoint.query and endpoint.access is not Access.PUBLIC:
            raise MalformedRequest(f"This request takes no query parameters: {req.query_string}")

    def _methods(self, template: str | None) -> list[str]:
        return [*(method for path, method in self._endpoints if path == template), "OPTIONS"]

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        succeeded: bool,  # noqa: FBT001 - the framework's signature
    ) -> None:
        """Replaces a successful response by a 500 if the policy was not checked, a defect."""
        del resource
        endpoint = self._endpoints.get((req.uri_template or "", req.method))
        if not succeeded or endpoint is None or endpoint.access is not Access.RULE:
            return
        if not call_of(req).allowed:
            LOG.error("%s %s: handled without checking the policy", req.method, req.path)
            answer(resp, 500, "The request was not authorized.")
