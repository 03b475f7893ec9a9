"""The envelope of a notification: publisher, event type, payload, message id and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from application.kernel.typed_values import field_and_rule
from domain.cluster_models.amendments import Stamp

T = TypeVar("T", bound=msgspec.Struct)


class UnreadableNotification(Exception):
    """A notification is invalid; the message names the field and the rule."""


@dataclass(frozen=True)
class Notification:
    """A message of priority ``info`` with a valid envelope.

    Attributes:
        publisher: ``service.host`` or ``service:host``.
        event: event type.
        message: message id; a redelivered message has the same one.
        at: when it was sent, seconds since the epoch, by the sender's clock.
    """

    publisher: str
    event: str
    payload: Mapping[str, Any]
    message: str
    at: float

    def stamp(self, version: int = 0) -> Stamp:
        """The stamp of the facts in it, for a resource of this version."""
        return Stamp(version, self.at, self.message)


def read_envelope(body: object) -> Notification:
    """Reads the envelope.

    Raises:
        UnreadableNotification: it is invalid.
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
        raise UnreadableNotification(f"{name}: must be a non-empty string, not {value!r}")
    return value


def _moment(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableNotification(f"timestamp: must be an ISO 8601 time, not {text!r}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def payload_of(notification: Notification, structure: type[T]) -> T:
    """The payload as a structure.

    Raises:
        UnreadableNotification: it does not conform; the message names the field and the rule.
    """
    try:
        return msgspec.convert(notification.payload, structure)
    except msgspec.ValidationError as error:
        field, rule = field_and_rule(error)
        what = f"{field}: {rule}" if field else rule
        raise UnreadableNotification(f"payload of {notification.event}: {what}") from error
