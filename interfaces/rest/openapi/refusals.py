"""The error responses: which statuses a route can have, and the bodies of these."""

from http import HTTPStatus
from typing import Any

from interfaces.rest.media import JSON
from interfaces.rest.routes import Access, Route, RouteMethod

Json = dict[str, Any]

MEANINGS = {
    400: "The request is invalid; the text names the field and the rule.",
    401: "The token is missing or invalid.",
    403: "The policy rule that the text names does not allow it, or a foreign web page asked.",
    404: "Not found, or not found at the time of `at`.",
    406: "The feature needs a newer microversion, or the microversion does not exist.",
    408: "The body did not arrive in time.",
    409: "Conflict with the current state: a name is in use, or the state does not allow it.",
    413: "The body is too long.",
    414: "The URL is too long. The server itself answers, in HTML.",
    415: "The body is not JSON.",
    421: "Requests need no token here, and the Host is not a name of this server.",
    422: "The Idempotency-Key was used for a different request.",
    431: "The headers are too long. The server itself answers, in HTML.",
    500: "An error occurred. With a Vigil-Position header: the change was made.",
    503: "Nothing was changed: concurrent changes, or a service is unavailable. Retry.",
}

BY_THE_SERVER = frozenset({414, 431})
HTML = "text/html"


def statuses(route: Route, endpoint: RouteMethod) -> set[int]:
    """The error statuses that a method can answer with."""
    found = {403, 414, 421, 431, 500, *endpoint.refusals}
    if endpoint.access is Access.PUBLIC:
        return found
    found |= {400, 406, 503}
    if endpoint.access is not Access.OPEN:
        found.add(401)
    if "{ident}" in route.path:
        found.add(404)
    if endpoint.body is not None:
        found |= {408, 413, 415}
    if endpoint.method == "POST":
        found |= {409, 422}
    return found


def _envelope(status: int) -> Json:
    """The schema of the body of an error."""
    error = {"$ref": "#/components/schemas/Error"}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"$ref": "#/components/schemas/Unauthorized"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"oneOf": [error, {"$ref": "#/components/schemas/IdentityUnavailable"}]}
    return error


RESPONSES: Json = {
    f"Refused{status}": {
        "description": meaning,
        "content": (
            {HTML: {"schema": {"type": "string"}}}
            if status in BY_THE_SERVER
            else {JSON: {"schema": _envelope(status)}}
        ),
    }
    for status, meaning in MEANINGS.items()
}

SCHEMAS: Json = {
    "Error": {
        "type": "object",
        "description": "A JSON document that holds another one as a string.",
        "properties": {
            "error_message": {
                "type": "string",
                "contentMediaType": JSON,
                "contentSchema": {"$ref": "#/components/schemas/Fault"},
            }
        },
        "required": ["error_message"],
        "additionalProperties": False,
    },
    "Fault": {
        "type": "object",
        "properties": {
            "faultcode": {"enum": ["Client", "Server"]},
            "faultstring": {"type": "string", "description": "The message."},
            "debuginfo": {"type": "null"},
        },
        "required": ["faultcode", "faultstring", "debuginfo"],
        "additionalProperties": False,
    },
    "Unauthorized": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"const": 401},
                    "title": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["code", "title", "message"],
            }
        },
        "required": ["error"],
        "additionalProperties": False,
    },
    "IdentityUnavailable": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("message", "code", "title")},
        "required": ["message", "code", "title"],
        "additionalProperties": False,
    },
}
