"""Query parameters: their names, their values, and how they are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.kernel.ids import as_uuid
from interfaces.rest.errors import MalformedRequest

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """A query parameter.

    Attributes:
        schema: JSON Schema of its values.
    """

    name: str
    description: str
    schema: Mapping[str, Any]


AT = Parameter(
    "at",
    "Show it as it was at a log position or at a time (ISO 8601; UTC without an offset).",
    {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]},
)

Given = Mapping[str, str]
"""Parameter → text, as ``media.query`` returns them."""


def whole(given: Given, name: str, default: int) -> int:
    """A position or a count.

    Raises:
        MalformedRequest: it is not a number.
    """
    text = given.get(name)
    return default if text is None else number(name, text)


def number(name: str, text: str) -> int:
    """A position or a count from text.

    Raises:
        MalformedRequest: it is not a number.
    """
    if not _NUMBER.fullmatch(text):
        raise MalformedRequest(f"Invalid value for {name}: {text!r} is not a position or count")
    return int(text)


def uuid(given: Given, name: str) -> UUID | None:
    """A uuid, None if it is not given.

    Raises:
        MalformedRequest: it is not a uuid.
    """
    text = given.get(name)
    if text is None:
        return None
    found = as_uuid(text)
    if found is None:
        raise MalformedRequest(f"Invalid value for {name}: {text!r} is not a uuid")
    return found


def time(given: Given, name: str) -> datetime | None:
    """A time, None if it is not given. Without an offset it is UTC.

    Raises:
        MalformedRequest: it is not a time.
    """
    text = given.get(name)
    if text is None:
        return None
    try:  # an unescaped "+" arrives as a blank: 2026-04-06T07:27:27 00:00
        found = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedRequest(
            f"Invalid value for {name}: {text!r} is not an ISO 8601 time"
        ) from None


def moment(given: Given, name: str = AT.name) -> int | datetime | None:
    """A log position or a time, None if it is not given.

    Raises:
        MalformedRequest: it is neither.
    """
    text = given.get(name)
    if text is None:
        return None
    return int(text) if _NUMBER.fullmatch(text) else time(given, name)
