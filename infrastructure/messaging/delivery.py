"""What becomes of one delivered message: worked on, acknowledged, deferred or rejected."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import NotJSMessageError

from application.ports.bus import Handler
from infrastructure.messaging import hints
from infrastructure.messaging.connection import TROUBLE, cancelled, raise_if_cancelled
from infrastructure.messaging.settings import ConsumerSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Poison:
    """A message that was taken out of circulation.

    Attributes:
        consumer: durable name.
        subject, sequence: where it lies in the stream (until the stream's limits remove it).
        deliveries: how often it was tried.
        error: what is wrong with it, or how its handler failed the last time.
        data: its body.
    """

    consumer: str
    subject: str
    sequence: int
    deliveries: int
    error: str
    data: bytes


@dataclass
class ConsumerStats:
    """What a consumer saw since it began.

    Attributes:
        delivered: messages received, repetitions included.
        done: handled and acknowledged.
        failed: handled with an error, and deferred.
        poisoned: rejected for good.
    """

    delivered: int = 0
    done: int = 0
    failed: int = 0
    poisoned: int = 0


Report = Callable[[Poison], None]
"""Is told of poison. Called in a thread of its own: it may write to a database."""


class Delivery:
    """Hands messages of one consumer to its handler and answers the server."""

    def __init__(
        self, name: str, handler: Handler, settings: ConsumerSettings, report: Report | None
    ) -> None:
        self._name = name
        self._handler = handler
        self._settings = settings
        self._report = report
        self.tally = ConsumerStats()

    async def deliver(self, message: Msg) -> None:
        """Sees one message through. Raises nothing but cancellation."""
        try:
            metadata = message.metadata
        except NotJSMessageError:
            log.warning("%s: ignoring a message that is not from the stream", self._name)
            return
        self.tally.delivered += 1
        try:
            hint = hints.decode(message.data).hint(metadata.num_delivered)
        except hints.UnreadableHint as error:
            await self._reject(message, f"not a hint: {error}")
            return
        try:
            async with self._signs_of_life(message):
                await self._handler(hint)
        except asyncio.CancelledError as error:
            if not cancelled():  # something inside the handler was cancelled, not we
                await self._failed(message, hint.deliveries, error)
                return
            await self._answer(message, "give back", message.nak())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop other hints
            await self._failed(message, hint.deliveries, error)
        else:
            self.tally.done += 1
            await self._answer(message, "acknowledge", message.ack())

    async def _failed(self, message: Msg, deliveries: int, error: BaseException) -> None:
        what = f"{type(error).__name__}: {error}"
        if deliveries >= self._settings.give_up_after:
            await self._reject(message, f"handler failed {deliveries} times, last with {what}")
            return
        self.tally.failed += 1
        delay = self._settings.delay(deliveries)
        log.warning(
            "%s: handling %s failed (delivery %d), again in %.0f s: %s",
            self._name,
            message.subject,
            deliveries,
            delay,
            what,
            exc_info=error if isinstance(error, Exception) else None,  # not of a cancellation
        )
        await self._answer(message, "defer", message.nak(delay=delay))

    async def _reject(self, message: Msg, error: str) -> None:
        self.tally.poisoned += 1
        metadata = message.metadata
        poison = Poison(
            self._name,
            message.subject,
            metadata.sequence.stream,
            metadata.num_delivered,
            error,
            message.data,
        )
        log.error(
            "%s: rejecting message %d (%s): %s",
            self._name,
            poison.sequence,
            poison.subject,
            error,
        )
        await self._answer(message, "reject", message.term())
        if self._report is not None:
            try:
                await asyncio.to_thread(self._report, poison)
            except Exception:
                log.exception("%s: could not report message %d", self._name, poison.sequence)

    async def _answer(self, message: Msg, what: str, answer: Awaitable[None]) -> None:
        try:
            await answer
        except TROUBLE as error:
            log.warning(
                "%s: could not %s %s, it will be delivered again: %s",
                self._name,
                what,
                message.subject,
                error,
            )

    @asynccontextmanager
    async def _signs_of_life(self, message: Msg) -> AsyncIterator[None]:
        beat = asyncio.create_task(self._beat(message))
        try:
            yield
        finally:
            beat.cancel()

    async def _beat(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(self._settings.heartbeat)
            await self._answer(message, "hold on to", message.in_progress())
            raise_if_cancelled()


__all__ = ["ConsumerStats", "Delivery", "Poison", "Report"]
