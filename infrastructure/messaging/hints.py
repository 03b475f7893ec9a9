"""The wire format of a hint: a small JSON body, and headers for debugging."""

from uuid import UUID

import msgspec

from application.ports.bus import Hint
from application.ports.event_log import RecordedEvent

POSITION = "Vigil-Position"
CORRELATION = "Vigil-Correlation-Id"
REQUEST = "Vigil-Request-Id"


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """The body of a hint: an event was appended to the log. Readers ignore unknown fields.

    Attributes:
        position: in the log.
        topic: of the event.
        aggregate_id: of the event's aggregate.
        version: of the aggregate after it.
    """

    position: int
    topic: str
    aggregate_id: UUID
    version: int

    @classmethod
    def of(cls, entry: RecordedEvent) -> "Body":
        """The hint about an event."""
        return cls(entry.position, entry.topic, entry.aggregate_id, entry.version)

    def hint(self) -> Hint:
        """The hint for the application."""
        return Hint(self.position, self.topic, self.aggregate_id)


class UnreadableHint(ValueError):
    """A message that is no hint."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Body)


def encode(entry: RecordedEvent) -> bytes:
    """The body of the hint about an event."""
    return _encoder.encode(Body.of(entry))


def decode(data: bytes) -> Body:
    """The body of a message.

    Raises:
        UnreadableHint: it is no hint.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableHint(str(error)) from error


def headers(entry: RecordedEvent) -> dict[str, str]:
    """The headers of the hint about an event."""
    metadata = entry.event.metadata
    result = {POSITION: str(entry.position)}
    if metadata.correlation_id is not None:
        result[CORRELATION] = str(metadata.correlation_id)
    if metadata.request_id is not None:
        result[REQUEST] = metadata.request_id
    return result


__all__ = [
    "CORRELATION",
    "POSITION",
    "REQUEST",
    "Body",
    "UnreadableHint",
    "decode",
    "encode",
    "headers",
]
