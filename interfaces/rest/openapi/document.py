"""Writes the OpenAPI description of a route table."""

import inspect
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from interfaces.rest import versions
from interfaces.rest.errors import POSITION
from interfaces.rest.media import JSON, MAX_KEY
from interfaces.rest.openapi.refusals import RESPONSES, SCHEMAS, Json, statuses
from interfaces.rest.parameters import Parameter
from interfaces.rest.routes import ANYTHING, Access, Route, RouteMethod, RowsBody, TextBody

WITHOUT_NAMES = frozenset({"action_plans", "actions"})
"""Collections whose members can only be addressed by uuid."""

_REFERENCE = "#/components/{kind}/{name}"
_WORDS = re.compile(r"[^a-z0-9]+")
_TOKEN = "token"  # noqa: S105 - the name of a scheme


def description(routes: Iterable[Route]) -> Json:
    """The API as OpenAPI 3.1 describes it."""
    table = list(routes)
    schemas, components = _schemas(endpoint for route in table for endpoint in route.endpoints)
    paths: dict[str, Json] = {}
    for route in table:
        for endpoint in route.endpoints:
            method = endpoint.method.lower()
            paths.setdefault(route.path, {})[method] = _operation(route, endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vigil API",
            "version": f"1.{versions.HIGHEST}",
            "summary": "Optimises OpenStack clouds; compatible with infra-optim v1.",
            "description": (
                f"Microversions {versions.RANGE}, selected with `{versions.HEADER}: "
                f"{versions.SERVICE} 1.x`. Repeated and trailing slashes are ignored, and /goals "
                "means /v1/goals. A method that a path does not have is answered with 405."
            ),
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": {**components, **SCHEMAS},
            "parameters": _HEADERS,
            "headers": _ANSWER_HEADERS,
            "responses": RESPONSES,
            "securitySchemes": {
                _TOKEN: {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
            },
        },
    }


def _operation(route: Route, endpoint: RouteMethod, schemas: Mapping[Any, Json]) -> Json:
    suffix = f"_{route.suffix}" if route.suffix else ""
    handler = getattr(route.resource, f"on_{endpoint.method.lower()}{suffix}")
    tag = _collection(route.path)
    words = _WORDS.sub("_", f"{endpoint.method}{route.path}".lower()).strip("_")
    made: Json = {
        "operationId": words,
        "summary": f"{tag}: {(inspect.getdoc(handler) or '').splitlines()[0].rstrip('.')}",
        "tags": [tag],
        "parameters": [*_parameters(route, endpoint)],
        "responses": {
            **{
                str(code): _answer(code, kind, endpoint, schemas)
                for code, kind in endpoint.answers.items()
            },
            **{
                str(code): {"$ref": _REFERENCE.format(kind="responses", name=f"Refused{code}")}
                for code in sorted(statuses(route, endpoint))
                if code not in endpoint.answers
            },
        },
        "security": [] if endpoint.access in {Access.PUBLIC, Access.OPEN} else [{_TOKEN: []}],
    }
    if endpoint.body is not None:
        kind: Json = {} if endpoint.body is ANYTHING else schemas[_hashable(endpoint.body)]
        required = endpoint.body is not ANYTHING
        made["requestBody"] = {"required": required, "content": {JSON: {"schema": kind}}}
    if endpoint.since:
        made["x-microversion"] = f"1.{endpoint.since}"
    if endpoint.rule is not None:
        made["x-policy-rule"] = endpoint.rule
    return made


def _parameters(route: Route, endpoint: RouteMethod) -> Iterator[Json]:
    if "{ident}" in route.path:
        uuid = _collection(route.path) in WITHOUT_NAMES
        schema: Json = {"type": "string", "format": "uuid"} if uuid else {"type": "string"}
        meaning = "Its uuid." if uuid else "Its uuid, its name (ignoring case) or its number."
        yield {
            "name": "ident",
            "in": "path",
            "required": True,
            "description": meaning,
            "schema": {**schema, "minLength": 1},
        }
    for parameter in endpoint.query:
        yield _query(parameter)
    if endpoint.access is Access.PUBLIC:
        return
    yield _header("Version")
    if "{ident}" in route.path or endpoint.query:
        yield _header("ShowDeleted")
    if endpoint.method == "POST":
        yield _header("IdempotencyKey")
    if endpoint.rule == "event:stream":
        yield _header("LastEventId")


def _query(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _header(name: str) -> Json:
    return {"$ref": _REFERENCE.format(kind="parameters", name=name)}


def _answer(code: int, kind: Any, endpoint: RouteMethod, schemas: Mapping[Any, Json]) -> Json:
    names = ["X-OpenStack-Request-Id"]
    if endpoint.method != "GET":
        names.append(POSITION)
    if code == 201:  # noqa: PLR2004
        names.append("Location")
    answer: Json = {
        "description": "Done." if kind is None else "The response.",
        "headers": {name: {"$ref": _REFERENCE.format(kind="headers", name=name)} for name in names},
    }
    if isinstance(kind, TextBody):
        answer["content"] = {media: {"schema": _text(kind, schemas)} for media in kind.media}
    elif kind is not None:
        answer["content"] = {JSON: {"schema": schemas[_hashable(kind)]}}
    return answer


def _text(kind: TextBody, schemas: Mapping[Any, Json]) -> Json:
    """The schema of plain text, or of each event of a stream (as in OpenAPI 3.2)."""
    if kind.item is None:
        return {"type": "string"}
    return {
        "type": "object",
        "description": "One server-sent event.",
        "properties": {
            "id": {"type": "string", "description": "The position; send it as Last-Event-ID."},
            "event": {"type": "string", "description": "The event type."},
            "data": {
                "type": "string",
                "contentMediaType": JSON,
                "contentSchema": schemas[kind.item],
            },
        },
    }


def _schemas(endpoints: Iterable[RouteMethod]) -> tuple[dict[Any, Json], dict[str, Json]]:
    """The schema of each type of a body, and those that they refer to."""
    types: dict[Any, Any] = {}
    pages: list[RowsBody] = []
    for endpoint in endpoints:
        for kind in (endpoint.body, *endpoint.answers.values()):
            if isinstance(kind, RowsBody):
                pages.append(kind)
                types[kind.row] = kind.row
            elif kind is not None and kind is not ANYTHING and not isinstance(kind, TextBody):
                types[_hashable(kind)] = kind
    reference = _REFERENCE.format(kind="schemas", name="{name}")
    made, components = _without_suffix(
        *msgspec.json.schema_components(types.values(), ref_template=reference)
    )
    found: dict[Any, Json] = dict(zip(types, made, strict=True))
    for page in pages:
        found[page] = _page(page, found[page.row])
    return found, components


_SCHEMA_NAMES = {
    "EstimateDocument": "PlanEstimate",
    "NewAudit": "AuditBody",
    "NewTemplate": "AuditTemplateBody",
}


def short_names(types: Collection[str]) -> dict[str, str]:
    """The name of each type in the description: ``AuditDocument`` is called ``Audit``.

    Raises:
        ValueError: two types would have the same name.
    """
    names = {name: _SCHEMA_NAMES.get(name, name.removesuffix("Document")) for name in types}
    twice = sorted(one for one, count in Counter(names.values()).items() if count > 1)
    if twice:
        raise ValueError(f"two types have the same name in the description: {', '.join(twice)}")
    return names


def _without_suffix(
    made: tuple[Json, ...], components: dict[str, Json]
) -> tuple[tuple[Json, ...], dict[str, Json]]:
    text = msgspec.json.encode((made, components)).decode()
    for name, short in short_names(components).items():
        text = text.replace(f'/{name}"', f'/{short}"').replace(f'"{name}"', f'"{short}"')
    return msgspec.json.decode(text, type=tuple[tuple[Json, ...], dict[str, Json]])


def _page(page: RowsBody, row: Json) -> Json:
    return {
        "type": "object",
        "properties": {
            page.name: {"type": "array", "items": row},
            "next": {"type": "string", "format": "uri", "description": "URL of the next page."},
        },
        "required": [page.name],
        "additionalProperties": False,
    }


def _hashable(kind: Any) -> Any:
    return kind if isinstance(kind, type | RowsBody) else str(kind)


def _collection(path: str) -> str:
    parts = path.split("/")
    return parts[2] if len(parts) > 2 else "about"  # noqa: PLR2004 - "", "v1", collection


_HEADERS: Json = {
    "Version": {
        "name": versions.HEADER,
        "in": "header",
        "description": (
            f"`{versions.SERVICE} 1.x` or `{versions.SERVICE} latest`. If it is missing or names "
            f"no version of {versions.SERVICE}: 1.{versions.LOWEST}."
        ),
        "schema": {
            "type": "string",
            "default": f"{versions.SERVICE} 1.{versions.LOWEST}",
            "examples": [f"{versions.SERVICE} 1.{versions.HIGHEST}"],
        },
    },
    "ShowDeleted": {
        "name": "X-Show-Deleted",
        "in": "header",
        "description": "Includes deleted objects if it is true, yes, on, y, t or 1.",
        "schema": {"type": "string", "default": "False", "examples": ["True"]},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A request that is repeated with the same key takes effect once.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY,
            "pattern": "^[!-~]+$",
        },
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Position of the last received event; takes precedence over `after`.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_ANSWER_HEADERS: Json = {
    "X-OpenStack-Request-Id": {
        "description": "Id of the request in logs and events.",
        "schema": {"type": "string", "pattern": "^req-"},
    },
    POSITION: {
        "description": "Log position of the change: every later GET sees it.",
        "schema": {"type": "integer"},
    },
    "Location": {
        "description": "URL of the new object.",
        "schema": {"type": "string", "format": "uri"},
    },
}
