from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class PoisonedMessage:
    """A message that was given up, by its consumer or by the notifier that should deliver it.

    No work is lost by it: workers also sweep the read models.

    Attributes:
        consumer: durable name of the consumer, or the transport of a notification.
        subject, sequence: of the message in the stream.
        deliveries: number of deliveries, or of attempts.
        error: why it is unreadable, or the last failure.
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

    def remove(self, consumer: str, sequence: int) -> None:
        """Deletes a message, if it is stored."""
        ...

    def rows(self, limit: int = 100, consumer: str | None = None) -> list[PoisonedMessage]:
        """The latest messages, of all consumers or of one, newest first."""
        ...
