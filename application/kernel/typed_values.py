"""Plain values to typed ones: parameters of strategies, options of planners."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from domain.kernel.errors import InvalidValue

T = TypeVar("T")


def field_and_rule(wrong: msgspec.ValidationError) -> tuple[str, str]:
    """The place in the value (``actions[0].type``, empty: the whole), and what is wrong with it."""
    message, _, path = str(wrong).partition(" - at `$")
    return path.rstrip("`").lstrip("."), message


def typed(values: Mapping[str, object], kind: type[T]) -> T:
    """Makes a dataclass of plain values; fields that are missing get their defaults.

    Args:
        values: JSON values by name; names that the dataclass does not have are ignored.
        kind: the dataclass.

    Raises:
        InvalidValue: a value has another type than its field; names the field.
    """
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as wrong:
        field, message = field_and_rule(wrong)
        raise InvalidValue(field or "parameters", f"must be valid: {message}") from wrong
