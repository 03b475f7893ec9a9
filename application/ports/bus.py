"""The port of the message bus. A message is a hint that the log has new events, nothing more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Hint:
    """A message that an event was appended.

    Attributes:
        position, topic, aggregate_id: of the event.
        deliveries: number of deliveries of this hint, including this one.
    """

    position: int
    topic: str
    aggregate_id: UUID
    deliveries: int = 1


Handler = Callable[[Hint], Awaitable[None]]
"""Handles a hint. Returning acknowledges it; after an exception it is delivered again."""


class Bus(Protocol):
    """Delivers each hint at least once, in any order, to one of the consumers of each name."""

    async def consume(self, name: str, topics: tuple[str, ...], handler: Handler) -> None:
        """Passes hints to a handler until cancelled; reconnects if the server is lost.

        Args:
            name: of the durable consumer; processes with the same name share its hints.
            topics: event topics to receive.
            handler: called for one hint at a time per slot.
        """
        ...
