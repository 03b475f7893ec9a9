"""How requests are refused: statuses that follow from an operation's shape, and their bodies."""

from http import HTTPStatus
from typing import Any

from interfaces.rest.media import JSON
from interfaces.rest.openapi.operations import OperationDescription
from interfaces.rest.routes import Access, Route, RouteMethod

Json = dict[str, Any]

MEANINGS = {
    400: "The request cannot be carried out as it is; the text names the field and the rule.",
    401: "Nobody vouches for the token.",
    403: "The policy rule that the text names says no.",
    404: "There is no such thing (then).",
    406: "The feature needs a newer microversion, or there is no such one.",
    408: "The rest of the body does not come.",
    409: "It contradicts what is there: a name is taken, or the state has moved on.",
    413: "The body is too long.",
    414: "The URL is too long: said by the server itself, in HTML.",
    415: "The body is not JSON.",
    422: "The Idempotency-Key was used for a different request.",
    431: "The headers are too long: said by the server itself, in HTML.",
    500: "Something failed. With a Vigil-Position header: the change was made.",
    503: "Nothing was changed: somebody was faster, or something cannot be reached. Repeat it.",
}

BY_THE_SERVER = frozenset({414, 431})
HTML = "text/html"


def statuses(route: Route, endpoint: RouteMethod, operation: OperationDescription) -> set[int]:
    """With what a request may be refused."""
    found = {414, 431, 500, *operation.refusals}
    if endpoint.access is Access.PUBLIC:
        return found
    found |= {400, 406, 503}
    if endpoint.access is not Access.OPEN:
        found.add(401)
    if endpoint.access is Access.RULE:
        found.add(403)
    if "{ident}" in route.path:
        found.add(404)
    if operation.body is not None:
        found |= {408, 413, 415}
    if endpoint.method == "POST":
        found |= {409, 422}
    return found


def _envelope(status: int) -> Json:
    """The schema of the body of a refusal."""
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
            "faultstring": {"type": "string", "description": "For people."},
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
