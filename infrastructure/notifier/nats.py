"""Notifications in a JetStream stream of their own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import nats.errors
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from application.ports.notifier import Notification, Refuse, TransportUnavailable
from infrastructure.messaging import NatsConnectionSettings
from infrastructure.messaging.connection import connected


@dataclass(frozen=True)
class NotificationStreamSettings:
    """The stream that carries notifications.

    Attributes:
        name: of the stream.
        prefix: subjects are ``<prefix>.<event type>``.
        days: age at which the server deletes a message.
        max_bytes: size at which it deletes the oldest ones.
        replicas: copies in a cluster.
        duplicate_window: seconds in which the server drops a repeated message id.
    """

    name: str = "VIGIL_NOTIFICATIONS"
    prefix: str = "vigil.notifications"
    days: int = 7
    max_bytes: int = 512 * 1024 * 1024
    replicas: int = 1
    duplicate_window: float = 120.0


class NatsTransport:
    """Publishes notifications to a stream, and waits for the confirmation of each.

    Args:
        nats: how to reach NATS.
        stream: the stream; it is created if there is none.
        timeout: seconds for a batch, or for the first connection.
    """

    name = "nats"

    def __init__(
        self,
        nats: NatsConnectionSettings,
        stream: NotificationStreamSettings | None = None,
        *,
        timeout: float = 30.0,
    ) -> None:
        self._nats = nats
        self._stream = stream or NotificationStreamSettings()
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open = AsyncExitStack()
        self._js: JetStreamContext | None = None

    def send(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        """Publishes notifications one after the other.

        Raises:
            TransportUnavailable: NATS did not confirm one.
        """
        try:
            self._run(self._publish(notifications, refuse))
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._disconnect()
            raise TransportUnavailable(f"NATS: {str(error) or type(error).__name__}") from error

    def close(self) -> None:
        """Closes the connection."""
        self._disconnect()
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(self._timeout)
            self._loop.close()
            self._loop = None

    async def _publish(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        if self._js is None:
            self._js = await self._open.enter_async_context(self._connected())
        for one in notifications:
            try:
                await self._js.publish(
                    f"{self._stream.prefix}.{one.event_type}",
                    msgspec.json.encode(one.envelope()),
                    headers={api.Header.MSG_ID.value: str(one.message_id)},
                )
            except nats.errors.MaxPayloadError as error:
                refuse(one, 1, str(error))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[JetStreamContext]:
        async with connected(self._nats, "notifier") as connection:
            js = connection.jetstream
            try:
                await js.stream_info(self._stream.name)
            except NotFoundError:
                await js.add_stream(self._wanted())
            yield js

    def _wanted(self) -> api.StreamConfig:
        return api.StreamConfig(
            name=self._stream.name,
            subjects=[f"{self._stream.prefix}.>"],
            max_age=self._stream.days * 86_400.0,
            max_bytes=self._stream.max_bytes,
            num_replicas=self._stream.replicas,
            duplicate_window=self._stream.duplicate_window,
            storage=api.StorageType.FILE,
            discard=api.DiscardPolicy.OLD,
        )

    def _disconnect(self) -> None:
        if self._loop is None:
            return
        self._js = None
        opened, self._open = self._open, AsyncExitStack()
        with suppress(nats.errors.Error, OSError, TimeoutError):  # it is lost anyway
            self._run(opened.aclose())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine on the loop, which lives on for the client's pings."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        task = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            task.result(self._timeout)
        except TimeoutError:
            task.cancel()
            raise
