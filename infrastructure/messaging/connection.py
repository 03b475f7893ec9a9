"""A connection to NATS that comes back by itself and says so in the log."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from application.kernel.retry import RetryPolicy
from infrastructure.messaging.settings import NatsConnectionSettings

log = logging.getLogger(__name__)

TROUBLE = (nats.errors.Error, OSError, asyncio.TimeoutError)
"""What goes wrong when a server is away or lost its data: never a reason to give up."""
RECONNECT = RetryPolicy(first_pause=0.1, longest_pause=5.0)
"""Pauses before another connection is opened."""
T = TypeVar("T")

FOR_EVER = -1
SILENT_PINGS = 2
CLOSE_TIMEOUT = 5.0
INSIST = 0.1
"""Seconds between two attempts to cancel something."""
REPEAT_COMPLAINT = 30.0
"""Seconds before the same trouble is logged again."""


def raise_if_cancelled() -> None:
    """Ends a cancelled task at a place of its own.

    The client library swallows a cancellation that arrives while it flushes; a loop around it would
    go on for ever.
    """
    if cancelled():
        raise asyncio.CancelledError


def cancelled() -> bool:
    """Whether the running task was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Interrupted(nats.errors.Error):
    """The connection was lost and is there again; answers under way were lost."""


class Connection:
    """A client and its JetStream context. Reconnects for ever, with the same subscriptions.

    Requests that were under way when the server went away are lost: ``on_reconnect`` tells, and
    ``attempt`` does not wait for them.

    Attributes:
        client: the library's.
        jetstream: the library's.
    """

    def __init__(self, settings: NatsConnectionSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._listeners: list[Callable[[], None]] = []
        self._attempts: set[asyncio.Task[Any]] = set()
        self._complained = 0.0
        self._lost = False
        self._closing = False
        self.client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=settings.request_timeout)

    def on_reconnect(self, listener: Callable[[], None]) -> None:
        """Has something called after each interruption, also when it is final."""
        self._listeners.append(listener)

    async def attempt(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits work that needs the server's answers.

        Raises:
            Interrupted: the connection was lost meanwhile; the work was given up.
        """
        task = asyncio.create_task(work)
        self._attempts.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if cancelled():
                raise
            raise Interrupted from None
        finally:
            self._attempts.discard(task)

    async def open(self) -> None:
        """Connects, however long it takes."""
        await _ended_with(asyncio.create_task(self._connect()))
        log.info("%s: connected to NATS at %s", self._name, self._server())

    async def _connect(self) -> None:
        settings = self._settings
        await self.client.connect(
            servers=list(settings.servers),
            name=f"vigil-{self._name}",
            token=settings.read_token if settings.has_token() else None,
            user=settings.user,
            password=settings.password,
            user_credentials=None
            if settings.credentials_file is None
            else str(settings.credentials_file),
            tls=settings.tls(),
            connect_timeout=settings.connect_timeout,  # type: ignore[arg-type] # any number will do
            reconnect_time_wait=settings.reconnect_wait,  # type: ignore[arg-type] # likewise
            ping_interval=settings.ping_interval,  # type: ignore[arg-type] # likewise
            max_outstanding_pings=SILENT_PINGS,
            max_reconnect_attempts=FOR_EVER,
            error_cb=self._complain,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )

    async def close(self) -> None:
        """Sends what is pending and disconnects."""
        self._closing = True
        with suppress(*TROUBLE):  # what could not be sent is delivered or published again later
            await asyncio.wait_for(self.client.close(), CLOSE_TIMEOUT)

    def _server(self) -> str:
        url = self.client.connected_url
        return "an unknown server" if url is None else f"{url.hostname}:{url.port}"

    def _redact(self, text: str) -> str:
        for secret in (self._settings.token, self._settings.password):
            if secret:
                text = text.replace(secret, "***")
        return text

    async def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if self._closing or (self._complained and now < self._complained + REPEAT_COMPLAINT):
            return
        self._complained = now
        what = self._redact(str(error) or type(error).__name__)
        log.warning("%s: trouble with NATS, trying again: %s", self._name, what)

    async def _disconnected(self) -> None:
        if not self._closing and not self._lost:
            self._lost = True
            log.warning("%s: lost the connection to NATS; reconnecting", self._name)

    async def _reconnected(self) -> None:
        self._lost, self._complained = False, 0.0
        log.info("%s: connected to NATS again at %s", self._name, self._server())
        self._tell()

    async def _closed(self) -> None:
        if not self._closing:
            log.warning("%s: NATS closed the connection; opening another", self._name)
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
        for task in self._attempts:
            task.cancel()


async def _ended_with(task: asyncio.Task[None]) -> None:
    """Awaits a task, and has it cancelled when we are, as often as that takes.

    The library tries for ever, and a cancellation is lost on it that comes just as a server refuses
    the connection (``asyncio.wait_for`` prefers the result, before Python 3.12).
    """
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=INSIST)
        raise
    task.result()


@asynccontextmanager
async def connected(settings: NatsConnectionSettings, name: str) -> AsyncIterator[Connection]:
    """A connection for the time of a block.

    Args:
        settings: how to reach NATS.
        name: who connects, for logs and for the server's own list of clients.
    """
    connection = Connection(settings, name)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


__all__ = [
    "RECONNECT",
    "TROUBLE",
    "Connection",
    "Interrupted",
    "cancelled",
    "connected",
    "raise_if_cancelled",
]
