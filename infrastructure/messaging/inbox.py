"""Pulls messages of a durable consumer, one request at a time."""

import asyncio
import json
from contextlib import suppress
from types import TracebackType
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import StatusCode

from infrastructure.messaging.connection import TROUBLE

EXPIRES = 10.0
"""Seconds that the server keeps a request for the next message."""
GRACE = 2.0
"""Seconds after that in which its answer may come; then the request is made again."""
_NANOSECONDS = 1_000_000_000


class ConsumerLost(Exception):
    """The durable consumer is not there (any more)."""


class Inbox:
    """Where one slot's messages arrive.

    Every request has a subject of its own, so that the end of an old one is not taken for the end
    of a new one; a message that comes late is still a message.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._prefix = client.new_inbox()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._subscription: Subscription | None = None
        self._asked = 0

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
        # Messages that are on their way still arrive while it drains; somebody else may have them
        # at once. What cannot be given back is delivered again after the acknowledgement wait.
        with suppress(*TROUBLE):
            drained = self._subscription.drain()  # type: ignore[no-untyped-call] # the library's
            await asyncio.wait_for(drained, GRACE)
            while not self._arrived.empty():
                message = self._arrived.get_nowait()
                if message is not None and _status(message) is None:
                    await message.nak()

    def wake(self) -> None:
        """Ends a running ``next``: the connection was lost and its request with it, or we stop."""
        self._arrived.put_nowait(None)

    async def next(self) -> Msg | None:
        """The next message; None if there was none for a while, or upon ``wake``.

        Raises:
            ConsumerLost: there is no such consumer.
        """
        if not self._arrived.empty():  # came late, or a wake-up
            message = self._arrived.get_nowait()
            return message if message is None or _status(message) is None else None
        self._asked += 1
        reply = f"{self._prefix}.{self._asked}"
        request = {"batch": 1, "expires": int(EXPIRES * _NANOSECONDS)}
        await self._client.publish(self._next, json.dumps(request).encode(), reply=reply)
        try:
            async with asyncio.timeout(EXPIRES + GRACE):
                return await self._answer(reply)
        except TimeoutError:
            return None

    async def _answer(self, reply: str) -> Msg | None:
        while True:
            message = await self._arrived.get()
            if message is None:
                return None
            status = _status(message)
            if status is None:
                return message
            if message.subject != reply:
                continue  # about an older request
            if status in {StatusCode.NO_MESSAGES, StatusCode.REQUEST_TIMEOUT}:
                return None
            raise ConsumerLost(f"{status} {(message.headers or {}).get('Description', '')}".strip())

    async def _put(self, message: Msg) -> None:
        self._arrived.put_nowait(message)


def _status(message: Msg) -> str | None:
    return None if message.headers is None or message.data else message.headers.get("Status")


__all__ = ["ConsumerLost", "Inbox"]
