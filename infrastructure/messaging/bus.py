"""The bus on NATS JetStream: durable pull consumers."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from application.ports.bus import Handler
from infrastructure.messaging.connection import (
    RECONNECT,
    TROUBLE,
    Connection,
    connected,
    raise_if_cancelled,
)
from infrastructure.messaging.consumer import DurableConsumer
from infrastructure.messaging.delivery import ConsumerStats, Delivery, Report
from infrastructure.messaging.inbox import ConsumerLost, Inbox
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

    A hint goes to one of the processes that consume under the same name. It is delivered again if
    its handler fails (later each time), if its process dies or is silent for ``ack_wait`` seconds,
    and if the stream had to be filled again. Whatever cannot be read, or fails too often, is taken
    out of circulation, logged, counted and reported.

    Args:
        nats: how to reach NATS.
        stream: where the hints are.
        consumers: how they are handed out.
        report: is told of rejected messages.
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
        self._tallies: dict[str, ConsumerStats] = {}

    @property
    def tallies(self) -> Mapping[str, ConsumerStats]:
        """What each consumer of this process saw so far, by name."""
        return self._tallies

    async def consume(self, name: str, topics: tuple[str, ...], handler: Handler) -> None:
        """Hands hints to a handler until cancelled; survives the loss of server and stream.

        When cancelled, no further hint is taken; running handlers may finish within
        ``patience`` seconds, a second cancellation cuts them off. What was cut off goes to others.

        Args:
            name: of the durable consumer (letters, digits, ``-`` and ``_``).
            topics: event topics wanted, at least one.
            handler: called for one hint at a time per slot.
        """
        if not topics:
            raise ValueError(f"Consumer {name!r} wants no topic.")
        delivery = Delivery(name, handler, self._consumers, self._report)
        delivery.tally = self._tallies.setdefault(name, delivery.tally)
        for pause in RECONNECT.delays():
            raise_if_cancelled()
            try:
                async with connected(self._nats, name) as connection:
                    consumer = DurableConsumer(
                        connection.jetstream, self._stream, self._consumers, name, topics
                    )
                    shift = _ConsumerSession(name, connection, consumer, delivery)
                    await shift.work(self._stream.name, self._consumers)
            except TROUBLE as error:
                log.warning("%s: interrupted, connecting anew: %s", name, error)
            await asyncio.sleep(pause)


class _ConsumerSession:
    """The slots of one consumer, at work on one connection."""

    def __init__(
        self, name: str, connection: Connection, consumer: DurableConsumer, delivery: Delivery
    ) -> None:
        self._name = name
        self._connection = connection
        self._consumer = consumer
        self._delivery = delivery
        self._over = False
        self._inboxes: list[Inbox] = []

    async def work(self, stream: str, settings: ConsumerSettings) -> None:
        """Until cancelled, or until the connection is closed for good."""
        await self._restore()
        self._connection.on_reconnect(self._wake)
        slots = [asyncio.create_task(self._slot(stream)) for _ in range(settings.slots)]
        try:
            done, _ = await asyncio.wait(slots, return_when=asyncio.FIRST_COMPLETED)
            for slot in done:
                slot.result()
        finally:
            await self._wind_down(slots, settings.patience)

    async def _slot(self, stream: str) -> None:
        async with Inbox(self._connection.client, stream, self._name) as inbox:
            self._inboxes.append(inbox)
            while not self._over:
                raise_if_cancelled()
                try:
                    message = await inbox.next()
                except ConsumerLost as loss:
                    log.warning("%s: the consumer is gone (%s); restoring it", self._name, loss)
                    await self._restore()
                    continue
                if message is not None:
                    await self._delivery.deliver(message)

    async def _restore(self) -> None:
        """Has the consumer on the server, however long its stream takes to appear."""
        complained = False
        for pause in RESTORE.delays():
            raise_if_cancelled()
            if self._over:
                return
            # also slows down the restoring of a consumer that is lost again and again
            await asyncio.sleep(pause)
            if self._connection.client.is_closed:
                return  # the slot finds out
            try:
                await self._consumer.ensure()
            except TROUBLE as error:
                if not complained:
                    log.warning("%s: no consumer yet, trying again: %s", self._name, error)
                complained = True
            else:
                return

    def _wake(self) -> None:
        for inbox in self._inboxes:
            inbox.wake()

    async def _wind_down(self, slots: list[asyncio.Task[None]], patience: float) -> None:
        self._over = True
        self._wake()
        try:
            _, late = await asyncio.wait(slots, timeout=patience)
            if late:
                log.warning(
                    "%s: %d handlers did not finish in %.0f s; cutting them off",
                    self._name,
                    len(late),
                    patience,
                )
        finally:
            for slot in slots:
                slot.cancel()
            results = await asyncio.gather(*slots, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, TROUBLE):
                    log.error("%s: a slot failed", self._name, exc_info=result)


__all__ = ["NatsBus"]
