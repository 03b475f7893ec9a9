"""The port of the message bus. Messages are hints that the log has moved; never the truth."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Hint:
    """That an event was appended.

    Attributes:
        deliveries: how often this hint was delivered, counting this time.
    """

    position: int
    topic: str
    aggregate_id: UUID
    deliveries: int = 1


Handler = Callable[[Hint], Awaitable[None]]
"""Reacts to a hint. Returning acknowledges it; raising has it delivered again later."""


class Bus(Protocol):
    """Delivers hints at least once, in no promised order, to one of the equally named consumers."""

    async def consume(self, name: str, topics: tuple[str, ...], handler: Handler) -> None:
        """Hands hints to a handler until cancelled; survives the loss of the server.

        Args:
            name: of the durable consumer; processes with the same name share its hints.
            topics: event topics wanted.
            handler: called for one hint at a time per slot.
        """
        ...
