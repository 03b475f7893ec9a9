"""Values as APIs write them, read strictly: text is not truth, and "unknown" is not a number."""

import math

from domain.kernel.errors import InvalidValue

Capacity = float | str | None
"""GB as a backend reports them: a number (perhaps as text), ``infinite``, ``unknown`` or nothing.

Backends that cannot tell, or have no limit, say so in words; the models keep the difference.
"""

Flag = bool | str | None
"""A truth as an API writes it: ``"false"`` is false. None: it did not say."""

UNKNOWN = math.nan
INFINITE = math.inf
_WORDS = {"infinite": INFINITE, "unknown": UNKNOWN, "": UNKNOWN}
_TRUTHS = {"true": True, "false": False}


class UnreadableValue(ValueError):
    """The value is none of those that its field can have."""


def amount(value: object) -> float:
    """A capacity: its number; not-a-number when it is not known; infinity when there is no limit.

    Raises:
        UnreadableValue: anything else, such as a negative number or a word of another kind.
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
    """A truth, also one written as text; None when nothing was said.

    Raises:
        UnreadableValue: it is neither true nor false.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise UnreadableValue


def whole(place: str, value: object) -> int:
    """A whole number, not negative.

    Args:
        place: what to call it in errors.
        value: what was written there.

    Raises:
        InvalidValue: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidValue(place, f"must be a whole number, not {value!r}")
    return value


def spelled(number: float) -> object:
    """A capacity for JSON: whole numbers without a fraction, None (unknown) or ``infinite``."""
    if math.isnan(number):
        return None
    if math.isinf(number):
        return "infinite"
    return int(number) if number == int(number) else number
