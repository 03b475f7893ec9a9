"""Each transport with a real consumer behind a wire that can be cut."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from oslo_config import cfg

from application.ports.clock import Clock
from application.ports.notifier import Transport
from infrastructure.clock import SystemClock
from infrastructure.messaging import EmbeddedNats, NatsConnectionSettings
from infrastructure.notifier.messaging import MessagingTarget, MessagingTransport
from infrastructure.notifier.nats import NatsTransport, NotificationStreamSettings
from infrastructure.notifier.signing import secret_key
from infrastructure.notifier.webhooks import WebhookEndpoint, WebhookTransport
from tests.integration.notifications.buses import Wire
from tests.nats import jetstream, run
from tests.world.notifications import ReferenceTransport

oslo_messaging: Any = import_module("oslo_messaging")
kombu: Any = import_module("kombu")

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of tests only


class Consumer(Protocol):
    """A transport's other end."""

    transport: Transport

    def cut(self) -> None:
        """The way to the consumer is cut."""

    def mend(self) -> None:
        """It is whole again."""

    def received(self) -> list[str]:
        """The message ids that it received, in order; at-least-once, so perhaps doubles."""


class ReferenceConsumer:
    """The transport in memory."""

    def __init__(self) -> None:
        self._memory = ReferenceTransport()
        self.transport: Transport = self._memory

    def cut(self) -> None:
        self._memory.away = True

    def mend(self) -> None:
        self._memory.away = False

    def received(self) -> list[str]:
        return [str(one.message_id) for one in self._memory.delivered]


class RabbitConsumer:
    """A plain notification listener of oslo.messaging.

    Args:
        url: of a RabbitMQ.

    Attributes:
        messages: what its endpoint was called with: priority, publisher, type, payload, metadata.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.exchange = f"exchange-{uuid4()}"
        self.topic = f"topic-{uuid4()}"  # its queue has this name in every exchange
        self.messages: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = []
        self._url = url
        self._wire = Wire(parts.hostname or "localhost", parts.port or 5672)
        near = url.replace(parts.netloc.rpartition("@")[2], f"127.0.0.1:{self._wire.port}")
        self.near = near
        self.transport: Transport = MessagingTransport(
            options(), MessagingTarget(near, self.exchange, (self.topic,))
        )
        self._bus = oslo_messaging.get_notification_transport(options(), url=url)
        self._listener = oslo_messaging.get_notification_listener(
            self._bus,
            [oslo_messaging.Target(exchange=self.exchange, topic=self.topic)],
            [self],
            executor="threading",
        )
        self._listener.start(override_pool_size=1)  # in order

    def info(self, *message: Any) -> None:
        self._note("info", message)

    def warn(self, *message: Any) -> None:
        self._note("warn", message)

    def error(self, *message: Any) -> None:
        self._note("error", message)

    def _note(self, priority: str, message: tuple[Any, ...]) -> None:
        _, publisher, event_type, payload, metadata = message
        self.messages.append((priority, publisher, event_type, payload, metadata))

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def received(self) -> list[str]:
        return [metadata["message_id"] for *_, metadata in list(self.messages)]

    def close(self) -> None:
        """Ends the listener, and deletes what it made."""
        self._listener.stop()
        self._listener.wait()
        self._bus.cleanup()
        self._wire.close()
        with kombu.Connection(self._url.replace("rabbit://", "amqp://")) as connection:
            channel = connection.channel()
            for priority in ("info", "warn", "error"):
                channel.queue_delete(f"{self.topic}.{priority}")
            channel.exchange_delete(self.exchange)


class NatsConsumer:
    """A reader of the stream.

    Args:
        server: the server.
    """

    def __init__(self, server: EmbeddedNats) -> None:
        parts = urlsplit(server.url)
        self._direct = NatsConnectionSettings((server.url,), token=server.token)
        self._wire = Wire(parts.hostname or "127.0.0.1", parts.port or 4222)
        near = NatsConnectionSettings(
            (f"nats://127.0.0.1:{self._wire.port}",), token=server.token, request_timeout=0.5
        )
        self.transport: Transport = NatsTransport(near, timeout=1.5)
        self.stream = NotificationStreamSettings()

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def stored(self) -> list[tuple[str, dict[str, Any]]]:
        """Subject and message of each entry of the stream."""

        async def read() -> list[tuple[str, dict[str, Any]]]:
            async with jetstream(self._direct) as js:
                state = (await js.stream_info(self.stream.name)).state
                found = [
                    await js.get_msg(self.stream.name, seq=number)
                    for number in range(1, state.last_seq + 1)
                ]
                return [(one.subject or "", json.loads(one.data or b"")) for one in found]

        return run(read())

    def received(self) -> list[str]:
        return [body["message_id"] for _, body in self.stored()]

    def close(self) -> None:
        """Ends the wire."""
        self._wire.close()


class Receiver:
    """A receiver of webhooks.

    Attributes:
        requests: headers and body of each request that it accepted.
        asked: ids of all requests.
        answer: returns the status code for the body of a request; None: it does not answer.
    """

    def __init__(self, clock: Clock | None = None, *, give_up: float = 900.0) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.answer: Callable[[dict[str, Any]], int | None] = lambda _: 204
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        port = self._server.server_address[1]
        self._wire = Wire("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._wire.port}/hook"
        endpoint = WebhookEndpoint(
            "siem",
            self.url,
            secret_key(SECRET),
            timeout=2.0,
            give_up=give_up,
        )
        self.transport: Transport = WebhookTransport(endpoint, clock or SystemClock())

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers a request."""
        body = handler.rfile.read(int(handler.headers["content-length"]))
        status = self.answer(json.loads(body))
        with self._lock:
            self.asked.append(handler.headers["webhook-id"])
            if status is not None and status // 100 == 2:
                self.requests.append(({k.lower(): v for k, v in handler.headers.items()}, body))
        if status is None:
            handler.close_connection = True
            return
        handler.send_response(status)
        handler.send_header("content-length", "0")
        handler.end_headers()

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def events(self) -> list[dict[str, Any]]:
        """The events that it accepted."""
        with self._lock:
            return [json.loads(body) for _, body in self.requests]

    def received(self) -> list[str]:
        return [event["id"] for event in self.events()]

    def close(self) -> None:
        """Ends the server."""
        self._wire.close()
        self._server.shutdown()
        self._server.server_close()


def options() -> cfg.ConfigOpts:
    """The library's options, without any file."""
    conf = cfg.ConfigOpts()
    conf(args=[], default_config_files=[])
    return conf


@contextmanager
def nats_server(folder: Path) -> Iterator[EmbeddedNats]:
    """A running server."""
    server = EmbeddedNats(folder / "nats")
    server.start()
    try:
        yield server
    finally:
        server.stop()
