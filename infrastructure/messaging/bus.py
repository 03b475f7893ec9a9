"""The bus on NATS JetStream: durable pull consumers."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from nats.aio.msg import Msg

from application.ports.bus import Handler, Hint, Room, always_room
from infrastructure.messaging import hints
from infrastructure.messaging.connection import (
    OUTAGES,
    RECONNECT,
    Connection,
    connected,
    raise_if_cancelled,
)
from infrastructure.messaging.consumer import ConsumerLost, DurableConsumer, Inbox
from infrastructure.messaging.delivery import ConsumerStats, Delivery, Report
from infrastructure.messaging.settings import (
    ConsumerSettings,
    HintStreamSettings,
    NatsConnectionSettings,
)

log = logging.getLogger(__name__)

RESTORE = replace(RECONNECT, longest_pause=1.0)
"""Pauses between attempts to create a consumer."""


class NatsBus:
    """Implements ``application.ports.bus.Bus``.

    A hint is delivered to one of the processes that consume under the same name. It is delivered
    again if its handler fails (each time later), if its process dies or sends no heartbeat for
    ``ack_wait`` seconds, and if the stream was filled again. A message that cannot be read, or
    fails too often, is rejected, logged, counted and reported.

    Args:
        nats: how to reach NATS.
        stream: holds the hints.
        consumers: how they are delivered.
        report: stores rejected messages.
    """

    def __init__(
        self,
        nats: NatsConnectionSettings,
        stream: HintStreamSettings | None = None,
        consumers: ConsumerSettings | None = None,
        *,
        report: Report | None = None,
    ) -> None:
        self._nats = nats
        self._stream = stream or HintStreamSettings()
        self._consumers = consumers or ConsumerSettings()
        self._report = report
        self._stats: dict[str, ConsumerStats] = {}

    @property
    def stats(self) -> Mapping[str, ConsumerStats]:
        """The counts of each consumer of this process, by name."""
        return self._stats

    async def consume(
        self, name: str, topics: tuple[str, ...], handler: Handler, room: Room = always_room
    ) -> None:
        """Passes hints to a handler until cancelled; survives the loss of server and stream.

        After a cancellation no further hint is taken. Running handlers may finish within
        ``stop_timeout`` seconds; then, or at a second cancellation, they are cancelled and their
        hints are delivered to other processes.

        Args:
            name: of the durable consumer (letters, digits, ``-`` and ``_``).
            topics: of the events whose hints are delivered, at least one.
            handler: called for one hint at a time per slot.
            room: awaited before a slot requests a hint.
        """
        if not topics:
            raise ValueError(f"Consumer {name!r} wants no topic.")
        delivery = Delivery(name, handler, self._consumers, self._report)
        delivery.stats = self._stats.setdefault(name, delivery.stats)
        for pause in RECONNECT.delays():
            raise_if_cancelled()
            try:
                async with connected(self._nats, name) as connection:
                    consumer = DurableConsumer(
                        connection.jetstream, self._stream, self._consumers, name, topics
                    )
                    session = _ConsumerSession(name, connection, consumer, delivery, room)
                    await session.work(self._stream.name, self._consumers)
            except OUTAGES as error:
                log.warning("%s: interrupted, connecting again: %s", name, error)
            await asyncio.sleep(pause)

    async def watch(
        self, name: str, topics: tuple[str, ...], notice: Callable[[Hint], None]
    ) -> None:
        """Passes each new hint to every process that watches, until cancelled.

        The relay's messages also reach plain subscriptions, which have no place in the stream: a
        hint that is sent while the connection is lost is not delivered later.

        Args:
            name: for logs.
            topics: of the events whose hints are passed.
            notice: called for each hint; does not block.
        """

        async def arrived(message: Msg) -> None:
            try:
                notice(hints.decode(message.data).hint(1))
            except hints.UnreadableHint as error:
                log.warning("%s: ignoring a message that is no hint: %s", name, error)

        for pause in RECONNECT.delays():
            raise_if_cancelled()
            try:
                async with connected(self._nats, name) as connection:
                    changed = asyncio.Event()
                    connection.on_reconnect(changed.set)
                    for topic in topics:
                        await connection.client.subscribe(self._stream.subject(topic), cb=arrived)
                    while not connection.client.is_closed:
                        await changed.wait()
                        changed.clear()
            except OUTAGES as error:
                log.warning("%s: interrupted, connecting again: %s", name, error)
            await asyncio.sleep(pause)


class _ConsumerSession:
    """The slots of one consumer on one connection."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        consumer: DurableConsumer,
        delivery: Delivery,
        room: Room,
    ) -> None:
        self._name = name
        self._connection = connection
        self._consumer = consumer
        self._delivery = delivery
        self._room = room
        self._stopping = asyncio.Event()
        self._inboxes: list[Inbox] = []

    async def work(self, stream: str, settings: ConsumerSettings) -> None:
        """Runs until cancelled, or until the connection is closed."""
        await self._restore()
        self._connection.on_reconnect(self._wake)
        slots = [asyncio.create_task(self._slot(stream)) for _ in range(settings.slots)]
        try:
            done, _ = await asyncio.wait(slots, return_when=asyncio.FIRST_COMPLETED)
            for slot in done:
                slot.result()
        finally:
            await self._stop(slots, settings.stop_timeout)

    async def _slot(self, stream: str) -> None:
        async with Inbox(self._connection.client, stream, self._name) as inbox:
            self._inboxes.append(inbox)
            while not self._stopping.is_set():
                raise_if_cancelled()
                if not await self._has_room():
                    return
                try:
                    message = await inbox.next()
                except ConsumerLost as loss:
                    log.warning("%s: the consumer is lost (%s); restoring it", self._name, loss)
                    await self._restore()
                    continue
                if message is not None:
                    await self._delivery.deliver(message)

    async def _has_room(self) -> bool:
        """Waits until there is room; false if the session stops before."""
        room = asyncio.ensure_future(self._room())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({room, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return room.done() and not self._stopping.is_set()
        finally:
            room.cancel()
            stopping.cancel()

    async def _restore(self) -> None:
        """Creates or updates the consumer; waits for its stream without limit."""
        logged = False
        for pause in RESTORE.delays():
            raise_if_cancelled()
            if self._stopping.is_set():
                return
            # also slows down the restoring of a consumer that is lost again and again
            await asyncio.sleep(pause)
            if self._connection.client.is_closed:
                return  # the slot ends too
            try:
                await self._consumer.ensure()
            except OUTAGES as error:
                if not logged:
                    log.warning("%s: no consumer yet, trying again: %s", self._name, error)
                logged = True
            else:
                return

    def _wake(self) -> None:
        for inbox in self._inboxes:
            inbox.wake()

    async def _stop(self, slots: list[asyncio.Task[None]], seconds: float) -> None:
        self._stopping.set()
        self._wake()
        try:
            _, late = await asyncio.wait(slots, timeout=seconds)
            if late:
                log.warning(
                    "%s: %d handlers did not finish in %.0f s; cancelling them",
                    self._name,
                    len(late),
                    seconds,
                )
        finally:
            for slot in slots:
                slot.cancel()
            results = await asyncio.gather(*slots, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, OUTAGES):
                    log.error("%s: a slot failed", self._name, exc_info=result)


__all__ = ["NatsBus"]
