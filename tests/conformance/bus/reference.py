"""The smallest bus that keeps the port's promises, in one process. It exists to test the suite."""

import asyncio
from collections.abc import Callable

from application.ports.bus import Busy, Handler, Hint, Room, always_room


class ReferenceBus:
    """Keeps every hint; each consumer name has a queue of its own."""

    def __init__(self) -> None:
        self._hints: list[Hint] = []
        self._queues: dict[str, asyncio.Queue[Hint]] = {}
        self._topics: dict[str, tuple[str, ...]] = {}
        self._notices: list[tuple[tuple[str, ...], Callable[[Hint], None]]] = []

    def publish(self, hint: Hint) -> None:
        """Makes a hint known."""
        self._hints.append(hint)
        for topics, notice in self._notices:
            if hint.topic in topics:
                notice(hint)
        for name, queue in self._queues.items():
            if hint.topic in self._topics[name]:
                queue.put_nowait(hint)

    async def watch(
        self, name: str, topics: tuple[str, ...], notice: Callable[[Hint], None]
    ) -> None:
        """As the port says."""
        self._notices.append((topics, notice))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._notices.remove((topics, notice))

    async def consume(
        self, name: str, topics: tuple[str, ...], handler: Handler, room: Room = always_room
    ) -> None:
        """As the port says."""
        if name not in self._queues:
            self._topics[name] = topics
            self._queues[name] = asyncio.Queue()
            for hint in self._hints:
                if hint.topic in topics:
                    self._queues[name].put_nowait(hint)
        queue = self._queues[name]
        while True:
            await room()
            hint = await queue.get()
            try:
                await handler(hint)
            except Busy:
                queue.put_nowait(hint)
            except asyncio.CancelledError:
                queue.put_nowait(hint)
                raise
            except RuntimeError:
                continue
