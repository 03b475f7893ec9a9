"""The scope of an audit template: which form it may have (docs/api.md, "Scope")."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft4Validator

from application.commands.patching import sequence
from domain.cluster.scope.baremetal import parse_baremetal_scope
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.operator_rules import parse_rules
from domain.cluster.scope.parser import OPERATOR_RULES
from domain.cluster.scope.storage import parse_storage_scope
from domain.kernel.errors import InvalidValue

_NAME = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "additionalProperties": False,
}
_UUID = {
    "type": "object",
    "properties": {"uuid": {"type": "string"}},
    "additionalProperties": False,
}
_AGGREGATE = {
    "anyOf": [
        {
            "properties": {"id": {"oneOf": [{"type": "integer"}, {"enum": ["*"]}]}},
            "additionalProperties": False,
        },
        {"properties": {"name": {"type": "string"}}, "additionalProperties": False},
    ]
}


_AS_THEY_ARE = ("exclude", "rules")
"""Rules that are no lists of names."""


def _rules(**rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: rule if name in _AS_THEY_ARE else {"type": "array", "items": rule}
                for name, rule in rules.items()
            },
        },
    }


SCOPE_SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "compute": _rules(
                host_aggregates=_AGGREGATE,
                availability_zones=_NAME,
                exclude=_rules(
                    instances=_UUID,
                    compute_nodes=_NAME,
                    host_aggregates=_AGGREGATE,
                    instance_metadata={"type": "object"},
                    projects=_UUID,
                ),
                rules={"type": "object"},  # parse_scope checks the rest, and names the field
            ),
            "storage": _rules(
                availability_zones=_NAME,
                volume_types=_NAME,
                exclude=_rules(storage_pools=_NAME, volumes=_UUID, projects=_UUID),
            ),
        },
    },
}
"""What a scope may look like. Storage excludes are closed too: a typo must not go unnoticed."""

MODELS = ("compute", "storage")


def checked_scope(value: object) -> list[Any]:
    """A scope in list form, the short form wrapped into a compute scope.

    Runs can parse every accepted scope, with one exception (docs/api.md, "Scope"): they refuse a
    wildcard next to other names.

    Raises:
        InvalidValue: it is not a scope; the place that is wrong is named.
    """
    if value is None or value == []:
        return []
    if not isinstance(value, list):
        raise InvalidValue("scope", "must be a list")
    scope = _wrapped(value)
    errors = sorted(Draft4Validator(SCOPE_SCHEMA).iter_errors(scope), key=lambda e: str(e.path))
    if errors:
        place = "/".join(["scope", *(str(part) for part in errors[0].absolute_path)])
        raise InvalidValue(place, errors[0].message[:300])
    _no_contradiction(scope)
    parse_scope(scope, allow_mixed_wildcards=True)
    parse_storage_scope(scope, allow_mixed_wildcards=True)
    parse_baremetal_scope(scope)
    return scope


def patched_scope(attribute: str, value: object) -> list[Any]:
    """A scope of a patch: any list (docs/api.md), but its operator rules must be valid.

    Raises:
        InvalidValue: it is not a list, or an operator rule is invalid.
    """
    scope = sequence(attribute, value)
    for place, part in enumerate(scope):
        inner = part.get("compute") if isinstance(part, dict) else None
        listed = [(f"scope[{place}]", part)]
        if isinstance(inner, list):
            listed += [(f"scope[{place}].compute[{n}]", rule) for n, rule in enumerate(inner)]
        for path, rule in listed:
            if isinstance(rule, dict) and OPERATOR_RULES in rule:
                parse_rules(f"{path}.{OPERATOR_RULES}", rule[OPERATOR_RULES])
    return scope


def _wrapped(value: list[Any]) -> list[Any]:
    first = value[0]
    if not isinstance(first, dict) or not first:
        raise InvalidValue("scope/0", "must be an object with rules")
    return value if next(iter(first)) in MODELS else [{"compute": value}]


def _no_contradiction(scope: list[Any]) -> None:
    rules = scope[0].get("compute", [])
    included = any("host_aggregates" in rule for rule in rules)
    if included and any("host_aggregates" in part for part in _excludes(rules)):
        raise InvalidValue("scope", "cannot both include and exclude host_aggregates")


def _excludes(rules: list[Any]) -> Iterator[dict[str, Any]]:
    for rule in rules:
        yield from rule.get("exclude", [])
