"""A request as the resources see it: caller, microversion, body."""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import falcon
import msgspec

from infrastructure.simulator.core.caller import RequestContext, Version
from infrastructure.simulator.core.errors import ApiForbidden, BadRequest
from infrastructure.simulator.core.tokens import Claims

Json = dict[str, Any]
App = falcon.App[falcon.Request, falcon.Response]


@dataclass(frozen=True)
class ApiRequest:
    """What the middleware determined about a request.

    Attributes:
        service: identity, compute, placement, vigil, or "" for everything else.
        version: negotiated microversion; (0, 0) where there is none.
        claims: of a valid token; None on public documents.
    """

    request_id: str
    service: str
    version: Version
    claims: Claims | None
    caller: RequestContext

    def require_admin(self, rule: str) -> None:
        """Refuse as oslo.policy does.

        Raises:
            ApiForbidden: when the caller is not an administrator.
        """
        if not self.caller.is_admin:
            raise ApiForbidden(f"Policy doesn't allow {rule} to be performed.")


def call_of(req: falcon.Request) -> ApiRequest:
    """The call that belongs to a request."""
    call = req.context.call
    assert isinstance(call, ApiRequest)  # noqa: S101 - set by the middleware for every request
    return call


def reply(resp: falcon.Response, body: object, status: int = 200) -> None:
    """Answer with JSON, or with a plain text."""
    resp.status = falcon.code_to_http_status(status)
    resp.content_type, resp.data = encoded(body)


def encoded(body: object) -> tuple[str, bytes]:
    """The type of a body, and its bytes: JSON, or a plain text."""
    if isinstance(body, str):
        return "text/plain", body.encode()
    return "application/json", msgspec.json.encode(body)


def accepted(resp: falcon.Response, status: int = 202) -> None:
    """Answer with a status and no body."""
    resp.status = falcon.code_to_http_status(status)
    resp.content_type = "application/json"


def body_of(req: falcon.Request) -> Json:
    """The JSON object in a request.

    Raises:
        BadRequest: when there is none.
    """
    try:
        body = msgspec.json.decode(req.bounded_stream.read())
    except msgspec.DecodeError as error:
        raise BadRequest("Malformed request body") from error
    if not isinstance(body, dict):
        raise BadRequest("Malformed request body")
    return body


def identified(text: str) -> str:
    """A UUID in a path.

    Raises:
        BadRequest: it is none.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise BadRequest(f"Invalid uuid {text}") from error


def query(req: falcon.Request) -> dict[str, str]:
    """Query parameters; of one that is given twice, the last."""
    return {
        name: value[-1] if isinstance(value, list) else value for name, value in req.params.items()
    }


def is_true(value: str | None) -> bool:
    """Whether a query parameter means yes."""
    return (value or "").lower() in ("1", "true", "t", "yes", "y", "on")


def next_link(req: falcon.Request, prefix: str, marker: str) -> list[Json]:
    """Nova's link to the next page.

    Args:
        req: the request for this page.
        prefix: of the service: scheme, address and mount point.
        marker: last item of this page.
    """
    kept = {name: value for name, value in query(req).items() if name != "marker"}
    kept["marker"] = marker
    path = req.path.removeprefix("/" + prefix.rsplit("/", 1)[1])
    return [{"rel": "next", "href": f"{prefix}{path}?{urlencode(kept)}"}]
