"""A notification, whatever its payload: who told what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from domain.cluster_models.amendments import Stamp


class UnreadableNotification(Exception):
    """A notification is not as it ought to be: names the field and the rule."""


@dataclass(frozen=True)
class Notification:
    """A message of priority ``info``, its envelope checked.

    Attributes:
        publisher: ``service.host`` or ``service:host``.
        event: event type.
        message: id, the same when it is delivered again.
        at: when it was told, seconds since the epoch, by the teller's clock.
    """

    publisher: str
    event: str
    payload: Mapping[str, Any]
    message: str
    at: float

    def stamp(self, version: int = 0) -> Stamp:
        """Which moment of its source it shows."""
        return Stamp(version, self.at, self.message)


def notification(body: object) -> Notification:
    """Reads the envelope.

    Raises:
        UnreadableNotification: it is none.
    """
    if not isinstance(body, Mapping):
        raise UnreadableNotification(f"message: must be an object, not {type(body).__name__}")
    payload = body.get("payload")
    if not isinstance(payload, Mapping):
        raise UnreadableNotification(f"payload: must be an object, not {type(payload).__name__}")
    return Notification(
        publisher=_text(body, "publisher_id"),
        event=_text(body, "event_type"),
        payload=payload,
        message=_text(body, "message_id"),
        at=_moment(_text(body, "timestamp")),
    )


def _text(body: Mapping[Any, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableNotification(f"{name}: must be a text, not {value!r}")
    return value


def _moment(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableNotification(f"timestamp: must be a time, which {text!r} is not") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def payload_of(told: Notification, kind: type[msgspec.Struct]) -> Any:
    """The payload as a structure.

    Raises:
        UnreadableNotification: it is not that; the message names the field and the rule.
    """
    try:
        return msgspec.convert(told.payload, kind)
    except msgspec.ValidationError as error:
        raise UnreadableNotification(f"payload of {told.event}: {error}") from error
