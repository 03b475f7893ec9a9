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
    """

    position: int
    topic: str
    aggregate_id: UUID


Handler = Callable[[Hint], Awaitable[None]]
"""Handles a hint. Returning acknowledges it, ``Busy`` returns it for others.

Any other exception is logged, and the hint is not delivered again: sweeps find its work.
"""


Room = Callable[[], Awaitable[None]]
"""Waits until a handler can take a hint."""


class Busy(Exception):
    """A handler cannot take a hint now: it is delivered to a process that can."""


async def always_room() -> None:
    """A ``Room`` without a limit."""


class Bus(Protocol):
    """Delivers each hint at least once, in any order, to one of the consumers of each name."""

    async def consume(
        self, name: str, topics: tuple[str, ...], handler: Handler, room: Room = always_room
    ) -> None:
        """Passes hints to a handler until cancelled; reconnects if the server is lost.

        Args:
            name: of the durable consumer; processes with the same name share its hints.
            topics: event topics to receive.
            handler: called for one hint at a time; may raise ``Busy``.
            room: awaited before a hint is requested.
        """
        ...

    async def watch(
        self, name: str, topics: tuple[str, ...], notice: Callable[[Hint], None]
    ) -> None:
        """Passes each new hint to every process that watches, until cancelled.

        Hints may be lost, for example while the server is: readers also look for themselves.

        Args:
            name: for logs.
            topics: event topics to receive.
            notice: called for each hint; does not block.
        """
        ...
