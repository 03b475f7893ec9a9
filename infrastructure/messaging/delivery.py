"""Handles one delivered message: calls the handler; acknowledges, defers or rejects it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import NotJSMessageError

from application.ports.bus import Busy, Handler
from infrastructure.messaging import hints
from infrastructure.messaging.connection import OUTAGES, is_cancelled, raise_if_cancelled
from infrastructure.messaging.settings import ConsumerSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RejectedMessage:
    """A poison message: it is not delivered again.

    Attributes:
        consumer: durable name.
        subject, sequence: its place in the stream (until the stream's limits remove it).
        deliveries: how often it was delivered.
        error: why it is no hint, or the last error of its handler.
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
    """Counts of a consumer since it started.

    Attributes:
        delivered: messages received, repetitions included.
        done: handled and acknowledged.
        failed: handled with an error, and deferred.
        rejected: as poison messages.
    """

    delivered: int = 0
    done: int = 0
    failed: int = 0
    rejected: int = 0


Report = Callable[[RejectedMessage], None]
"""Stores a rejected message. Called in a thread of its own: it may write to a database."""


class Delivery:
    """Passes the messages of one consumer to its handler and responds to the server."""

    def __init__(
        self, name: str, handler: Handler, settings: ConsumerSettings, report: Report | None
    ) -> None:
        self._name = name
        self._handler = handler
        self._settings = settings
        self._report = report
        self.stats = ConsumerStats()

    async def deliver(self, message: Msg) -> None:
        """Handles one message. Raises nothing but cancellation."""
        try:
            metadata = message.metadata
        except NotJSMessageError:
            log.warning("%s: ignoring a message that is not from the stream", self._name)
            return
        self.stats.delivered += 1
        try:
            hint = hints.decode(message.data).hint(metadata.num_delivered)
        except hints.UnreadableHint as error:
            await self._reject(message, f"not a hint: {error}")
            return
        try:
            async with self._heartbeats(message):
                await self._handler(hint)
        except asyncio.CancelledError as error:
            if not is_cancelled():  # a task inside the handler was cancelled, not this one
                await self._failed(message, hint.deliveries, error)
                return
            await self._respond(message, "return", message.nak())
            raise
        except Busy:
            await self._respond(message, "return", message.nak())
        except Exception as error:  # noqa: BLE001 - no error may stop other hints
            await self._failed(message, hint.deliveries, error)
        else:
            self.stats.done += 1
            await self._respond(message, "acknowledge", message.ack())

    async def _failed(self, message: Msg, deliveries: int, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"
        if deliveries >= self._settings.give_up_after:
            await self._reject(message, f"handler failed {deliveries} times, last with {text}")
            return
        self.stats.failed += 1
        delay = self._settings.retry.delay(deliveries)
        log.warning(
            "%s: handling %s failed (delivery %d), again in %.0f s: %s",
            self._name,
            message.subject,
            deliveries,
            delay,
            text,
            exc_info=error if isinstance(error, Exception) else None,  # not of a cancellation
        )
        await self._respond(message, "defer", message.nak(delay=delay))

    async def _reject(self, message: Msg, error: str) -> None:
        self.stats.rejected += 1
        metadata = message.metadata
        rejected = RejectedMessage(
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
            rejected.sequence,
            rejected.subject,
            error,
        )
        await self._respond(message, "reject", message.term())
        if self._report is not None:
            try:
                await asyncio.to_thread(self._report, rejected)
            except Exception:
                log.exception("%s: could not report message %d", self._name, rejected.sequence)

    async def _respond(self, message: Msg, verb: str, response: Awaitable[None]) -> None:
        try:
            await response
        except OUTAGES as error:
            log.warning(
                "%s: could not %s %s, it will be delivered again: %s",
                self._name,
                verb,
                message.subject,
                error,
            )

    @asynccontextmanager
    async def _heartbeats(self, message: Msg) -> AsyncIterator[None]:
        task = asyncio.create_task(self._send_heartbeats(message))
        try:
            yield
        finally:
            task.cancel()

    async def _send_heartbeats(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(self._settings.heartbeat)
            await self._respond(message, "extend the wait for", message.in_progress())
            raise_if_cancelled()


__all__ = ["ConsumerStats", "Delivery", "RejectedMessage", "Report"]
