"""Flavor extra specs that restrict a server to some hosts, and how their values are compared."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_TRAIT = re.compile(r"trait[^:]*:(?P<name>.+)")
_AGGREGATE = "aggregate_instance_extra_specs:"

_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
}


@dataclass(frozen=True)
class RequiredProperties:
    """What a flavor's extra specs require of a host.

    Attributes:
        required: traits that the host must have.
        forbidden: traits that it must not have.
        aggregate: (key, wanted value) pairs that an aggregate of the host must satisfy.
    """

    required: tuple[str, ...]
    forbidden: tuple[str, ...]
    aggregate: tuple[tuple[str, str], ...]


def required_properties(
    extra_specs: Mapping[str, str], aggregate_keys: frozenset[str]
) -> RequiredProperties:
    """Reads extra specs.

    Args:
        extra_specs: the flavor's.
        aggregate_keys: metadata keys of aggregates: an unscoped extra spec concerns aggregates
            only if its key is one of them.
    """
    required, forbidden, wanted = [], [], []
    for key in sorted(extra_specs):
        value = str(extra_specs[key])
        trait = _TRAIT.fullmatch(key)
        if trait and value == "required":
            required.append(trait["name"])
        elif trait and value == "forbidden":
            forbidden.append(trait["name"])
        elif key.startswith(_AGGREGATE):
            wanted.append((key.removeprefix(_AGGREGATE), value))
        elif ":" not in key and key in aggregate_keys:
            wanted.append((key, value))
    return RequiredProperties(tuple(required), tuple(forbidden), tuple(wanted))


def satisfies(value: str, wanted: str) -> bool:
    """Whether a metadata value satisfies a wanted one, which may begin with an operator.

    Operators: ``=`` (at least), ``== != >= <=`` on numbers; ``s== s!= s< s<= s> s>=`` on texts;
    ``<in>`` (contains), ``<all-in>`` (contains each), ``<or>`` (equals one). Without an operator
    the two must be equal.
    """
    words = wanted.split()
    if not words:
        return value == wanted
    sign, rest = words[0], words[1:]
    if sign == "<or>":
        return value in [word for word in rest if word != "<or>"]
    if sign in {"<in>", "<all-in>"}:
        return bool(rest) and all(word in value for word in rest)
    if sign in _TEXTS:
        return bool(rest) and _TEXTS[sign](value, rest[0])
    if sign in _NUMBERS:
        return bool(rest) and _compared(_NUMBERS[sign], value, rest[0])
    return value == wanted


def _compared(test: Callable[[float, float], bool], value: str, wanted: str) -> bool:
    try:
        return test(float(value), float(wanted))
    except ValueError:
        return False
