"""Reads values as APIs write them, strictly: any text is not true, "unknown" is not a number."""

import math

from domain.kernel.errors import InvalidValue

Capacity = float | str | None
"""GB as a backend reports them: a number (perhaps as text), ``infinite``, ``unknown`` or nothing.

Backends write a word if the value is unknown or has no limit; the models keep the difference.
"""

Flag = bool | str | None
"""A boolean as an API writes it: the text ``"false"`` is false. None: not given."""

UNKNOWN = math.nan
INFINITE = math.inf
_WORDS = {"infinite": INFINITE, "unknown": UNKNOWN, "": UNKNOWN}
_TRUTHS = {"true": True, "false": False}


class UnreadableValue(ValueError):
    """The field cannot have this value."""


def amount(value: object) -> float:
    """Reads a capacity: a number, not-a-number if it is unknown, infinity if it has no limit.

    Raises:
        UnreadableValue: any other value, such as a negative number or another word.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return _read(value.strip().lower())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnreadableValue
    if value < 0:
        raise UnreadableValue
    try:
        return float(value)
    except OverflowError as error:
        raise UnreadableValue from error


def _read(text: str) -> float:
    if text in _WORDS:
        return _WORDS[text]
    try:
        number = float(text)
    except ValueError as error:
        raise UnreadableValue from error
    if not math.isfinite(number) or number < 0:
        raise UnreadableValue
    return number


def truth(value: object) -> bool | None:
    """Reads a boolean, also from text; None if it is not given.

    Raises:
        UnreadableValue: it is neither true nor false.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise UnreadableValue


def whole(place: str, value: object) -> int:
    """Returns a whole number that is not negative.

    Args:
        place: name of the field in errors.
        value: the value.

    Raises:
        InvalidValue: the value is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidValue(place, f"must be a whole number, not {value!r}")
    return value


def capacity_json(number: float) -> object:
    """JSON form of a capacity: a number (whole ones as int), None (unknown) or ``infinite``."""
    if math.isnan(number):
        return None
    if math.isinf(number):
        return "infinite"
    return int(number) if number == int(number) else number
