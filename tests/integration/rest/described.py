"""Compares what the API answers with what its OpenAPI description says it may answer."""

import json
import re
from functools import cache
from typing import Any

import falcon.testing
import jsonschema_rs

from interfaces.rest.middleware.paths import PathMiddleware
from interfaces.rest.openapi.page import page


class Undescribed(AssertionError):
    """An answer that the description does not know."""


@cache
def document() -> dict[str, Any]:
    """The description."""
    found: dict[str, Any] = json.loads(page())
    return found


def check(method: str, path: str, result: falcon.testing.Result) -> None:
    """Compares an answer with the description, if it describes that method of that path.

    Raises:
        Undescribed: it is not as described.
    """
    template = template_of(_spelled(path))
    operation = document()["paths"].get(template, {}).get(method.lower())
    if operation is None:
        return
    where = f"{method} {template} {result.status_code}"
    answer = operation["responses"].get(str(result.status_code))
    if answer is None:
        raise Undescribed(f"{where}: {result.text}")
    content = _resolved(answer).get("content", {})
    kind = result.headers.get("content-type")
    if kind is None and not content and not result.content:
        return
    if kind not in content:
        raise Undescribed(f"{where}: {kind} is none of {list(content)}")
    if kind != "application/json":
        return
    try:
        _validator(template, method.lower(), str(result.status_code)).validate(result.json)
    except jsonschema_rs.ValidationError as error:
        raise Undescribed(f"{where}: {error.message} at {error.instance_path}") from error


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Patterns of paths; what is spelled out comes before what has a variable in it."""
    paths = sorted(document()["paths"], key=lambda path: "{" in path)
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


@cache
def template_of(path: str) -> str | None:
    """The template that a path matches."""
    return next((path_ for pattern, path_ in _templates() if pattern.fullmatch(path)), None)


def _spelled(path: str) -> str:
    return PathMiddleware(
        [one for one in document()["paths"] if not one.startswith("/v1")]
    ).spelled(path)


def _resolved(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer
    for name in answer.get("$ref", "#").split("/")[1:]:
        found = (document() if found is answer else found)[name]
    return found


@cache
def _validator(template: str, method: str, status: str) -> jsonschema_rs.Validator:
    answer = _resolved(document()["paths"][template][method]["responses"][status])
    schema = answer["content"]["application/json"]["schema"]
    whole = {**schema, "components": document()["components"]}
    return jsonschema_rs.validator_for(whole, validate_formats=True)
