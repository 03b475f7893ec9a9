from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class PoisonedMessage:
    """A message that its consumer discarded. No work is lost: workers also sweep the read models.

    Attributes:
        consumer: durable name of the consumer.
        subject, sequence: of the message in the stream.
        deliveries: number of deliveries.
        error: why it is unreadable, or the last failure of its handler.
        at: when it was discarded, by the database's clock.
    """

    consumer: str
    subject: str
    sequence: int
    deliveries: int
    error: str
    at: datetime


class PoisonBoard(Protocol):
    """The messages that consumers discarded, for operators."""

    def put(
        self, consumer: str, subject: str, sequence: int, *, deliveries: int, error: str
    ) -> None:
        """Stores a message; replaces the entry of the same message."""
        ...

    def rows(self, limit: int = 100) -> list[PoisonedMessage]:
        """The latest messages, newest first."""
        ...
