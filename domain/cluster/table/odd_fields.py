"""Finds a value that a record's field cannot have, by the type of the field.

Collectors check every record that they make: one record with a text for a number must not cost the
others. Capacities, flags, allocations and NUMA cells are checked where the models are built.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from typing import Any, get_args

from domain.cluster.table.records import Amount, Id, Ratio, field_types

Check = Callable[[Any], bool]
"""Whether a field can have a value."""

MOST = 2**53
"""Largest amount: larger whole numbers are not exact in float64."""
_INT64 = 2**63


@dataclass(frozen=True)
class OddField:
    """A field with a value that it cannot have."""

    name: str
    value: object


def odd_field(record: Any) -> OddField | None:
    """The first field of a record (a dataclass) with such a value; None if there is none."""
    kind: Any = type(record)
    for name, fits in _checks(kind):
        value = getattr(record, name)
        if not fits(value):
            return OddField(name, value)
    return None


def is_text(value: object) -> bool:
    """Whether it is a text that can be stored: a lone surrogate cannot."""
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_identity(value: object) -> bool:
    """Whether it can be an id."""
    return bool(value) and is_text(value)


def is_amount(value: object) -> bool:
    """Whether it is a number, not negative, finite and not too large."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value >= 0 if isinstance(value, float) else 0 <= value <= MOST


def is_whole(value: object) -> bool:
    """Whether it is an amount of something that cannot be divided."""
    if type(value) is int:
        return 0 <= value <= MOST
    if not is_amount(value) or not isinstance(value, (int, float)):
        return False
    return value <= MOST and value == int(value)


def _is_integer(value: object) -> bool:
    return type(value) is int and -_INT64 <= value < _INT64


def _is_json(value: object) -> bool:
    """Whether it is JSON that can be stored."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return is_text(value)
    if isinstance(value, int):
        return _is_integer(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, dict) and _is_map(value, _is_json)


def _is_map(value: object, fits: Check) -> bool:
    return (
        isinstance(value, Mapping) and all(map(is_text, value)) and all(map(fits, value.values()))
    )


def _is_tuple(value: object, fits: Check) -> bool:
    return isinstance(value, tuple) and all(map(fits, value))


def _optional(fits: Check) -> Check:
    return lambda value: value is None or fits(value)


_CHECKS: Mapping[object, Check] = {
    str: is_text,
    str | None: _optional(is_text),
    Id: is_identity,
    Id | None: _optional(is_identity),
    bool: lambda value: isinstance(value, bool),
    int: _is_integer,
    int | None: _optional(_is_integer),
    Amount: is_whole,
    Amount | None: _optional(is_whole),
    Ratio: is_amount,
    tuple[str, ...]: lambda value: _is_tuple(value, is_text),
    tuple[Id, ...]: lambda value: _is_tuple(value, is_identity),
    Mapping[str, str]: lambda value: _is_map(value, is_text),
    Mapping[str, int]: lambda value: _is_map(value, _is_integer),
    Mapping[str, object]: lambda value: _is_map(value, _is_json),
}


@cache
def _checks(record: Any) -> tuple[tuple[str, Check], ...]:
    """Field → its check; without the fields that are checked where they are read."""
    found = ((name, _check(kind)) for name, kind in field_types(record).items())
    return tuple((name, check) for name, check in found if check is not None)


def _check(kind: Any) -> Check | None:
    member = next(iter(get_args(kind)), None)
    if is_dataclass(member):  # tuple[Attachment, ...]
        return lambda value: _is_tuple(value, lambda one: odd_field(one) is None)
    return _CHECKS.get(kind)
