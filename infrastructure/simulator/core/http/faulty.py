"""Injected faults around the application: delays, error responses, lost responses."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from infrastructure.simulator.core.caller import RequestContext
from infrastructure.simulator.core.faults import EndpointFault, Faults
from infrastructure.simulator.core.http.calls import ApiRequest, encoded
from infrastructure.simulator.core.http.envelopes import envelope
from infrastructure.simulator.core.world import World

_PREFIXES = {
    "identity": "identity",
    "compute": "compute",
    "placement": "placement",
    "volume": "volume",
    "baremetal": "baremetal",
    "MAAS": "MAAS",
    "prometheus": "metrics",
}
_NOBODY = RequestContext(user_id="", project_id="", roles=(), request_id="")


class LostReply(Exception):
    """The request was processed; close the connection without a response."""


class Faulty:
    """A WSGI application that applies the fault rules to another."""

    def __init__(self, app: WSGIApplication, world: World, faults: Faults) -> None:
        self._app, self._world, self._faults = app, world, faults

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request.

        Raises:
            LostReply: a rule says that the response is lost.
        """
        rule = self._rule(environ)
        if rule is None:
            return self._app(environ, start)
        if rule.delay:
            self._world.clock.sleep(rule.delay)
        if rule.status is not None:
            return self._broken(environ, start, rule.status)
        if not rule.lost_reply:
            return self._app(environ, start)
        answer = self._app(environ, _swallow)
        for _ in answer:
            pass
        raise LostReply(environ["PATH_INFO"])

    def _rule(self, environ: WSGIEnvironment) -> EndpointFault | None:
        mount, _, path = str(environ["PATH_INFO"]).lstrip("/").partition("/")
        service = _PREFIXES.get(mount)
        if service is None or not self._faults.all():
            return None
        with self._world.transaction():
            return self._faults.on_request(service, environ["REQUEST_METHOD"], "/" + path)

    def _broken(
        self, environ: WSGIEnvironment, start: StartResponse, status: int
    ) -> Iterable[bytes]:
        request_id = f"req-{self._world.clock.unique()}"
        mount = str(environ["PATH_INFO"]).lstrip("/").partition("/")[0]
        call = ApiRequest(request_id, mount, (0, 0), None, _NOBODY)
        kind, body = encoded(envelope(call, status, "injected by the simulator"))
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("x-openstack-request-id", request_id),
        ]
        if mount == "compute":
            headers.append(("x-compute-request-id", request_id))
        start(f"{status} Injected", headers)
        return [body]


def _swallow(
    _status: str, _headers: list[tuple[str, str]], _error: Any = None
) -> Callable[[bytes], object]:
    return lambda _data: None
