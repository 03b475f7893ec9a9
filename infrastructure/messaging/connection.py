"""A connection to NATS that reconnects by itself and logs it."""

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

OUTAGES = (nats.errors.Error, OSError, asyncio.TimeoutError)
"""Errors while a server is away or has lost its data: always retried."""
RECONNECT = RetryPolicy(first_pause=0.1, longest_pause=5.0)
"""Pauses before another connection is opened."""
T = TypeVar("T")

UNLIMITED = -1
MAX_OUTSTANDING_PINGS = 2
CLOSE_TIMEOUT = 5.0
CANCEL_INTERVAL = 0.1
"""Seconds between two attempts to cancel a task."""
LOG_INTERVAL = 30.0
"""Seconds before the same error is logged again."""


def raise_if_cancelled() -> None:
    """Ends the running task if it was cancelled.

    The client library loses a cancellation that arrives while it flushes: a loop around it would
    never end.
    """
    if is_cancelled():
        raise asyncio.CancelledError


def is_cancelled() -> bool:
    """Whether the running task was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Interrupted(nats.errors.Error):
    """The connection was lost and opened again; pending responses were lost."""


class Connection:
    """A client and its JetStream context. It reconnects without limit, with the same subscriptions.

    Requests that are pending when the connection is lost get no response: listeners of
    ``on_reconnect`` are called, and ``attempt`` raises.

    Attributes:
        client: the library's.
        jetstream: the library's.
    """

    def __init__(self, settings: NatsConnectionSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._listeners: list[Callable[[], None]] = []
        self._attempts: set[asyncio.Task[Any]] = set()
        self._logged = 0.0
        self._is_lost = False
        self._is_closing = False
        self.client = Client()
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=settings.request_timeout)

    def on_reconnect(self, listener: Callable[[], None]) -> None:
        """Calls a listener after each interruption, also after the last one."""
        self._listeners.append(listener)

    async def attempt(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits work that needs responses of the server.

        Raises:
            Interrupted: the connection was lost meanwhile; the work was cancelled.
        """
        task = asyncio.create_task(work)
        self._attempts.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise Interrupted from None
        finally:
            self._attempts.discard(task)

    async def open(self) -> None:
        """Connects; waits for the server without limit."""
        await _await_cancelling(asyncio.create_task(self._connect()))
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
            connect_timeout=settings.connect_timeout,  # type: ignore[arg-type] # a float works
            reconnect_time_wait=settings.reconnect_wait,  # type: ignore[arg-type] # a float works
            ping_interval=settings.ping_interval,  # type: ignore[arg-type] # a float works
            max_outstanding_pings=MAX_OUTSTANDING_PINGS,
            max_reconnect_attempts=UNLIMITED,
            error_cb=self._log_error,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )

    async def close(self) -> None:
        """Sends what is pending and disconnects."""
        self._is_closing = True
        with suppress(*OUTAGES):  # what was not sent is delivered or published again later
            await asyncio.wait_for(self.client.close(), CLOSE_TIMEOUT)

    def _server(self) -> str:
        url = self.client.connected_url
        return "an unknown server" if url is None else f"{url.hostname}:{url.port}"

    def _redact(self, text: str) -> str:
        for secret in (self._settings.token, self._settings.password):
            if secret:
                text = text.replace(secret, "***")
        return text

    async def _log_error(self, error: Exception) -> None:
        now = time.monotonic()
        if self._is_closing or (self._logged and now < self._logged + LOG_INTERVAL):
            return
        self._logged = now
        what = self._redact(str(error) or type(error).__name__)
        log.warning("%s: NATS error, trying again: %s", self._name, what)

    async def _disconnected(self) -> None:
        if not self._is_closing and not self._is_lost:
            self._is_lost = True
            log.warning("%s: lost the connection to NATS; reconnecting", self._name)

    async def _reconnected(self) -> None:
        self._is_lost, self._logged = False, 0.0
        log.info("%s: connected to NATS again at %s", self._name, self._server())
        self._notify()

    async def _closed(self) -> None:
        if not self._is_closing:
            log.warning("%s: NATS closed the connection; opening another", self._name)
        self._notify()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
        for task in self._attempts:
            task.cancel()


async def _await_cancelling(task: asyncio.Task[None]) -> None:
    """Awaits a task. If the caller is cancelled, cancels the task until it ends.

    The library connects without limit. It loses a cancellation that comes just as a server refuses
    the connection (``asyncio.wait_for`` prefers the result, before Python 3.12).
    """
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_INTERVAL)
        raise
    task.result()


@asynccontextmanager
async def connected(settings: NatsConnectionSettings, name: str) -> AsyncIterator[Connection]:
    """A connection for the time of a block.

    Args:
        settings: how to reach NATS.
        name: of the client, for logs and for the server's list of clients.
    """
    connection = Connection(settings, name)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


__all__ = [
    "OUTAGES",
    "RECONNECT",
    "Connection",
    "Interrupted",
    "connected",
    "is_cancelled",
    "raise_if_cancelled",
]
