"""The durable consumer on the server, and the inbox into which a slot pulls its messages."""

import asyncio
import json
import logging
from contextlib import suppress
from types import TracebackType
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api
from nats.js.api import StatusCode
from nats.js.errors import APIError, NotFoundError

from infrastructure.messaging.connection import OUTAGES
from infrastructure.messaging.settings import ConsumerSettings, HintStreamSettings

log = logging.getLogger(__name__)

UNLIMITED = -1
EXPIRES = 10.0
"""Seconds that the server keeps a request for the next message."""
GRACE = 2.0
"""Seconds after that in which its response may come; then the request is sent again."""
_NANOSECONDS = 1_000_000_000


class DurableConsumer:
    """One durable pull consumer, shared by all processes that name it.

    Args:
        jetstream: of the connection.
        stream, consumers: its configuration.
        name: durable name.
        topics: of the events whose hints it delivers.
    """

    def __init__(
        self,
        jetstream: JetStreamContext,
        stream: HintStreamSettings,
        consumers: ConsumerSettings,
        name: str,
        topics: tuple[str, ...],
    ) -> None:
        self._js = jetstream
        self._stream = stream.name
        self._name = name
        self._wanted = api.ConsumerConfig(
            name=name,
            durable_name=name,
            deliver_policy=api.DeliverPolicy.ALL,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=consumers.ack_wait,
            max_deliver=UNLIMITED,
            max_ack_pending=consumers.max_pending,
            filter_subjects=sorted({stream.subject(topic) for topic in topics}),
        )

    async def ensure(self) -> None:
        """Creates it, or updates its configuration.

        Raises:
            NotFoundError: there is no stream (yet): its relay creates it.
        """
        try:
            info = await self._js.consumer_info(self._stream, self._name)
        except NotFoundError:
            await self._js.add_consumer(self._stream, self._wanted)
            log.info("created consumer %s on stream %s", self._name, self._stream)
            return
        if _compared(info.config) != _compared(self._wanted):
            await self._update(info.config)

    async def _update(self, present: api.ConsumerConfig) -> None:
        # Its start cannot be changed, and need not be.
        wanted = self._wanted.evolve(
            deliver_policy=present.deliver_policy, opt_start_seq=present.opt_start_seq
        )
        log.warning("updating the configuration of consumer %s", self._name)
        try:
            await self._js.add_consumer(self._stream, wanted)
        except APIError as error:
            log.warning("consumer %s cannot be updated (%s): creating it again", self._name, error)
            await self._js.delete_consumer(self._stream, self._name)
            await self._js.add_consumer(self._stream, self._wanted)


def _compared(config: api.ConsumerConfig) -> tuple[object, ...]:
    subjects = config.filter_subjects or [config.filter_subject or ""]
    return (
        sorted(subjects),
        config.ack_policy,
        config.ack_wait,
        config.max_deliver,
        config.max_ack_pending,
    )


class ConsumerLost(Exception):
    """The durable consumer does not exist (any more)."""


class Inbox:
    """Pulls the messages of one slot, one request at a time.

    Every request has a reply subject of its own, so that the status of an old request is not taken
    for that of a new one. A message that arrives late is still delivered.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._prefix = client.new_inbox()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._requests = 0

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(f"{self._prefix}.*", cb=self._put)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._subscription is None or self._client.is_closed:
            return
        # Messages still arrive while the subscription drains; they are returned, for another slot.
        # What cannot be returned is delivered again after the acknowledgement wait.
        with suppress(*OUTAGES):
            drained = self._subscription.drain()  # type: ignore[no-untyped-call] # the library's
            await asyncio.wait_for(drained, GRACE)
            while not self._arrived.empty():
                message = self._arrived.get_nowait()
                if message is not None and _status(message) is None:
                    await message.nak()

    def wake(self) -> None:
        """Ends a running ``next``: its request was lost with the connection, or the slot stops."""
        self._arrived.put_nowait(None)

    async def next(self) -> Msg | None:
        """The next message; None if none arrived in time, or after ``wake``.

        Raises:
            ConsumerLost: the consumer does not exist.
        """
        if not self._arrived.empty():  # a late message, or a wake-up
            message = self._arrived.get_nowait()
            return message if message is None or _status(message) is None else None
        self._requests += 1
        reply = f"{self._prefix}.{self._requests}"
        request = {"batch": 1, "expires": int(EXPIRES * _NANOSECONDS)}
        await self._client.publish(self._next, json.dumps(request).encode(), reply=reply)
        try:
            async with asyncio.timeout(EXPIRES + GRACE):
                return await self._response(reply)
        except TimeoutError:
            return None

    async def _response(self, reply: str) -> Msg | None:
        while True:
            message = await self._arrived.get()
            if message is None:
                return None
            status = _status(message)
            if status is None:
                return message
            if message.subject != reply:
                continue  # the status of an older request
            if status in {StatusCode.NO_MESSAGES, StatusCode.REQUEST_TIMEOUT}:
                return None
            raise ConsumerLost(f"{status} {(message.headers or {}).get('Description', '')}".strip())

    async def _put(self, message: Msg) -> None:
        self._arrived.put_nowait(message)


def _status(message: Msg) -> str | None:
    return None if message.headers is None or message.data else message.headers.get("Status")


__all__ = ["ConsumerLost", "DurableConsumer", "Inbox"]
