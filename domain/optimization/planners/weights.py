"""Weights of action types in the options of planners."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.errors import InvalidValue

UNKNOWN_WEIGHT: Final = 0


def whole_numbers(option: str, values: Mapping[str, object]) -> dict[str, int]:
    """The values of an option as numbers: those of configuration files are texts.

    Raises:
        InvalidValue: one is not a whole number; names the option and the type.
    """
    return {kind: _number(f"{option}[{kind}]", value) for kind, value in values.items()}


def _number(option: str, value: object) -> int:
    try:
        number = float(str(value))
    except ValueError:
        number = 0.5
    if isinstance(value, bool) or number % 1:
        raise InvalidValue(option, f"must be a whole number, not {value!r}")
    return int(number)
