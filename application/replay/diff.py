"""The differences between two values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from application.kernel.json_values import json_key, json_value
from application.replay.values import ABSENT
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class Difference:
    """An attribute that differs.

    Attributes:
        path: attribute names with dots between them.
        before, after: JSON values; ``(absent)`` if the attribute does not exist.
    """

    path: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The attributes that differ, in their order of declaration.

    Args:
        before: attribute → JSON value, or any value that has a JSON form.
        after: likewise.
    """
    return list(_between("", before, after))


def _between(path: str, before: object, after: object) -> Iterator[Difference]:
    if before == after:  # a plan has thousands of actions, and an event changes one of them
        return
    old, new = _members(before), _members(after)
    if old is None or new is None:
        was, now = json_value(before), json_value(after)
        if was != now:
            yield Difference(path, was, now)
        return
    for key in dict.fromkeys((*old, *new)):
        inner = f"{path}.{json_key(key)}" if path else json_key(key)
        yield from _between(inner, old.get(key, ABSENT), new.get(key, ABSENT))


def _members(value: object) -> Mapping[Any, object] | None:
    """The members of a value that JSON shows as an object; None for another one."""
    if isinstance(value, Cause):
        value = json_value(value)
    elif is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    return value if isinstance(value, Mapping) else None
