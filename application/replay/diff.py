"""The differences between two JSON values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from application.replay.values import ABSENT


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
    """The attributes that differ, in their order of declaration."""
    return list(_between("", before, after))


def _between(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _between(inner, before.get(key, ABSENT), after.get(key, ABSENT))
    elif before != after:
        yield Difference(path, before, after)
