"""Values inside recorded states, found by their names."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from application.kernel.json_values import json_value
from domain.kernel.aggregate import Aggregate
from domain.kernel.ids import as_uuid
from domain.kernel.reasons import Cause

ABSENT = "(absent)"
"""Stands for the value of an attribute that does not exist."""

Path = tuple[str | int, ...]
"""Names of attributes and keys of members, from the outside in; an int is a place in a list."""


def value_at(root: object, path: Iterable[str | int]) -> Any:
    """The JSON value at a path; ``ABSENT`` if there is none.

    Args:
        root: an aggregate, or any value that it may contain, or JSON values.
        path: names as ``AggregateAt.plain`` has them. Ids may be given in any form.
    """
    found = root
    for name in path:
        found = _member(found, name)
        if found is ABSENT:
            return ABSENT
    return json_value(vars(found)) if isinstance(found, Aggregate) else json_value(found)


def _member(value: object, name: str | int) -> object:
    if isinstance(value, Cause):
        value = json_value(value)
    if isinstance(value, Mapping):
        return _of_mapping(value, name)
    if isinstance(value, list | tuple) and isinstance(name, int):
        return value[name] if -len(value) <= name < len(value) else ABSENT
    if not isinstance(name, str) or name.startswith("_"):
        return ABSENT
    if isinstance(value, Aggregate):
        return vars(value).get(name, ABSENT)
    if is_dataclass(value) and name in {one.name for one in fields(value)}:
        return getattr(value, name)
    return ABSENT


def _of_mapping(value: Mapping[Any, Any], name: str | int) -> object:
    if name in value:
        return value[name]
    ident = as_uuid(name) if isinstance(name, str) else None
    if ident is not None:
        return value.get(ident, value.get(str(ident), ABSENT))
    return next((inner for key, inner in value.items() if _key(key) == name), ABSENT)


def _key(key: object) -> object:
    return "/".join(map(str, key)) if isinstance(key, tuple) else key
