"""Plain values to typed ones: parameters of strategies, options of planners."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from domain.kernel.errors import InvalidValue

T = TypeVar("T")


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
        message, _, path = str(wrong).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "parameters"
        raise InvalidValue(field, f"must be valid: {message}") from wrong
