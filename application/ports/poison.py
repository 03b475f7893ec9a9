from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class PoisonedMessage:
    """A message of the bus that was taken out of circulation. No work is lost: workers sweep.

    Attributes:
        consumer: durable name of the consumer that gave it up.
        subject, sequence: where it lay in the stream.
        deliveries: how often it was tried.
        error: what is wrong with it, or how its handler failed the last time.
        at: when it was given up, by the database's clock.
    """

    consumer: str
    subject: str
    sequence: int
    deliveries: int
    error: str
    at: datetime


class PoisonBoard(Protocol):
    """Where consumers say what they gave up, for people to see."""

    def put(
        self, consumer: str, subject: str, sequence: int, *, deliveries: int, error: str
    ) -> None:
        """Notes a message; noting it again replaces what was said."""
        ...

    def rows(self, limit: int = 100) -> list[PoisonedMessage]:
        """The latest ones, newest first."""
        ...
