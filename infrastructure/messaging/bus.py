"""The bus on NATS JetStream: durable pull consumers, one hint at a time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace

from nats.aio.msg import Msg

from application.ports.bus import Busy, Handler, Hint, Room, always_room
from application.ports.poison import PoisonBoard
from infrastructure.messaging import hints
from infrastructure.messaging.connection import (
    OUTAGES,
    RECONNECT,
    Connection,
    connected,
    raise_if_cancelled,
)
from infrastructure.messaging.consumer import ConsumerLost, DurableConsumer
from infrastructure.messaging.settings import HintStreamSettings, NatsConnectionSettings

log = logging.getLogger(__name__)

ACK_WAIT = 30.0
"""Seconds until a hint is delivered again whose process was lost. Sweeps are about as frequent."""
RESTORE = replace(RECONNECT, longest_pause=1.0)
"""Pauses between attempts to create a consumer."""


class NatsBus:
    """Implements ``application.ports.bus.Bus``.

    Args:
        nats: how to reach NATS.
        stream: holds the hints.
        poison: stores messages that are no hints.
        ack_wait: see ``ACK_WAIT``.
    """

    def __init__(
        self,
        nats: NatsConnectionSettings,
        stream: HintStreamSettings | None = None,
        *,
        poison: PoisonBoard | None = None,
        ack_wait: float = ACK_WAIT,
    ) -> None:
        self._nats = nats
        self._stream = stream or HintStreamSettings()
        self._poison = poison
        self._ack_wait = ack_wait

    async def consume(
        self, name: str, topics: tuple[str, ...], handler: Handler, room: Room = always_room
    ) -> None:
        """Passes hints to a handler until cancelled; survives the loss of server and stream.

        A message that is no hint is rejected, logged and stored. A handler that is cancelled
        returns its hint, for another process.

        Args:
            name: of the durable consumer (letters, digits, ``-`` and ``_``).
            topics: of the events whose hints are delivered, at least one.
            handler: called for one hint at a time.
            room: awaited before a hint is requested.
        """
        if not topics:
            raise ValueError(f"Consumer {name!r} wants no topic.")

        async def work(connection: Connection) -> None:
            consumer = DurableConsumer(connection, self._stream, name, topics, self._ack_wait)
            await _restore(name, consumer, connection)
            while not connection.client.is_closed:
                raise_if_cancelled()
                await room()
                try:
                    message = await consumer.next()
                except ConsumerLost as loss:
                    log.warning("%s: the consumer is lost (%s); restoring it", name, loss)
                    await _restore(name, consumer, connection)
                    continue
                if message is not None:
                    await self._deliver(name, message, handler)

        await self._while_connected(name, work)

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
                notice(hints.decode(message.data).hint())
            except hints.UnreadableHint as error:
                log.warning("%s: ignoring a message that is no hint: %s", name, error)

        async def work(connection: Connection) -> None:
            changed = asyncio.Event()
            connection.on_reconnect(changed.set)
            for topic in topics:
                await connection.client.subscribe(self._stream.subject(topic), cb=arrived)
            while not connection.client.is_closed:
                await changed.wait()
                changed.clear()

        await self._while_connected(name, work)

    async def _while_connected(
        self, name: str, work: Callable[[Connection], Coroutine[None, None, None]]
    ) -> None:
        for pause in RECONNECT.delays():
            raise_if_cancelled()
            try:
                async with connected(self._nats, name) as connection:
                    await work(connection)
            except OUTAGES as error:
                log.warning("%s: interrupted, connecting again: %s", name, error)
            await asyncio.sleep(pause)

    async def _deliver(self, name: str, message: Msg, handler: Handler) -> None:
        """Has one message handled; acknowledges, returns or rejects it."""
        try:
            hint = hints.decode(message.data).hint()
        except hints.UnreadableHint as error:
            await self._reject(name, message, f"not a hint: {error}")
            return
        try:
            await handler(hint)
        except (Busy, asyncio.CancelledError):
            await message.nak()
            raise_if_cancelled()
        except Exception:
            log.exception("%s: handling %s failed; sweeps find its work", name, message.subject)
            await message.ack()
        else:
            await message.ack()

    async def _reject(self, name: str, message: Msg, error: str) -> None:
        sequence = message.metadata.sequence.stream
        log.error("%s: rejecting message %d (%s): %s", name, sequence, message.subject, error)
        await message.term()
        if self._poison is None:
            return
        deliveries = message.metadata.num_delivered
        try:
            await asyncio.to_thread(
                self._poison.put,
                name,
                message.subject,
                sequence,
                deliveries=deliveries,
                error=error,
            )
        except Exception:
            log.exception("%s: could not store the rejection of message %d", name, sequence)


async def _restore(name: str, consumer: DurableConsumer, connection: Connection) -> None:
    """Creates or updates the consumer; waits for its stream without limit."""
    logged = False
    for pause in RESTORE.delays():
        # also slows down the restoring of a consumer that is lost again and again
        await asyncio.sleep(pause)
        raise_if_cancelled()
        if connection.client.is_closed:
            return
        try:
            await consumer.ensure()
        except OUTAGES as error:
            if not logged:
                log.warning("%s: no consumer yet, trying again: %s", name, error)
            logged = True
        else:
            return


__all__ = ["NatsBus"]
