import logging
import re

import falcon

from application.ports.clock import Clock, Ids
from infrastructure import logs
from interfaces.rest.auth import Authorizer
from interfaces.rest.call import RequestState, call_of, truthy
from interfaces.rest.serving.traffic import Traffic

ACCESS = logging.getLogger("vigil.rest.access")

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class RequestMiddleware:
    """Creates the state of each request; adds its id to the response, counts and logs it."""

    def __init__(self, authorizer: Authorizer, clock: Clock, ids: Ids, traffic: Traffic) -> None:
        self._authorizer = authorizer
        self._clock = clock
        self._ids = ids
        self._traffic = traffic

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Creates the state of the request."""
        call = RequestState(f"req-{self._ids.new()}", self._clock.monotonic(), self._authorizer)
        call.show_deleted = truthy(req.get_header("X-Show-Deleted"))
        call.scope.enter_context(logs.about(request_id=call.request_id))
        req.context.call = call
        resp.set_header("X-OpenStack-Request-Id", call.request_id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Cache-Control", "no-store")

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        succeeded: bool,  # noqa: FBT001 - the framework's signature
    ) -> None:
        """Counts and logs the request."""
        del resource, succeeded
        call = call_of(req)
        status = falcon.http_status_to_code(resp.status)
        seconds = self._clock.monotonic() - call.started
        self._traffic.answered(req.method, req.uri_template, status, seconds)
        ACCESS.info(
            "%s %s %s %d %.1fms",
            req.remote_addr,
            req.method,
            _UNPRINTABLE.sub("?", req.relative_uri),
            status,
            seconds * 1000,
            extra={"status": status},
        )
        call.scope.close()
