"""Message buses: the one inside the process that runs anywhere, and a real RabbitMQ."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any
from uuid import uuid4

from oslo_config import cfg

from application.ports.notifications import NotificationBatch
from infrastructure.notifications.listener import Listener, Subscription, library
from infrastructure.notifications.translation import Outcomes
from tests.integration.notifications.waiting import until

oslo_messaging: Any = library()
kombu: Any = import_module("kombu")

MEMORY = "kombu+memory:////"
TOPIC = "versioned_notifications"


def rabbit_url() -> str | None:
    """URL of a RabbitMQ that answers: VIGIL_TEST_RABBITMQ, or one on this machine; None: none."""
    url = os.environ.get("VIGIL_TEST_RABBITMQ")
    if url:
        return url
    url = "rabbit://guest:guest@localhost:5672/"
    try:
        with kombu.Connection(url.replace("rabbit://", "amqp://"), connect_timeout=2) as connection:
            connection.connect()
    except Exception:  # noqa: BLE001 - whatever it says: none that lets us in
        return None
    return url


class Wire:
    """A way to a server that can be cut, and mended.

    Args:
        host, port: the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._pairs: list[socket.socket] = []
        self._whole = True
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection, and accepts none."""
        self._whole = False
        for one in self._pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._pairs.clear()

    def mend(self) -> None:
        """Accepts connections again."""
        self._whole = True

    def close(self) -> None:
        """Ends it for good."""
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if not self._whole:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._pairs += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        end.close()


class Recorder:
    """Records what is told, after the failures that a test arranged."""

    def __init__(self) -> None:
        self.told: list[NotificationBatch] = []
        self.failures: list[Exception] = []
        self.poison: set[str] = set()
        self.asked = 0

    def record(self, told: NotificationBatch) -> None:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        if any(fact.id in self.poison for fact in told.compute.servers):
            raise RuntimeError("this one is beyond me")
        self.told.append(told)

    def servers(self) -> set[str]:
        """The servers that something was told of."""
        return {fact.id for told in list(self.told) for fact in told.compute.servers}


class Bus:
    """A bus with a queue of this test's own.

    Args:
        url: of the bus.
        exchange: where the services' messages go; of this test's own unless it is named.

    Attributes:
        set_aside: event type and message id of messages that could not be used.
        counted: what became of messages.
    """

    def __init__(self, url: str, exchange: str = "") -> None:
        self.url = url
        self.exchange = exchange or f"exchange-{uuid4()}"
        self._own = not exchange
        self.pool = f"vigil-test-{uuid4()}"
        self.recorder = Recorder()
        self.set_aside: list[tuple[str, str]] = []
        self.counted = Outcomes()

    @contextmanager
    def listening(self, *, size: int = 500) -> Iterator[Listener]:
        """A listener at work."""
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[])
        listener = Listener(
            conf,
            Subscription(self.url, [f"{self.exchange}.{TOPIC}"], self.pool, 0.2, size),
            self.recorder.record,
            postponed=(ConnectionError,),
            quarantine=lambda event, message, _: self.set_aside.append((event, message)),
            count=self.counted.update,
        )
        stop = threading.Event()
        thread = threading.Thread(target=listener.run, args=(stop,))
        thread.start()
        try:
            until(self._is_bound, "the listener has its queue")
            yield listener
        finally:
            stop.set()
            thread.join(timeout=30)
            assert not thread.is_alive()

    def notify(self, *bodies: dict[str, Any]) -> None:
        """Sends messages as services do, through the library."""
        conf = cfg.ConfigOpts()
        conf(args=[], default_config_files=[])
        transport = oslo_messaging.get_notification_transport(conf, url=self.url)
        target = oslo_messaging.Target(exchange=self.exchange, topic=f"{TOPIC}.info")
        for body in bodies:
            transport._send_notification(target, {}, body, version=2.0)
        transport.cleanup()

    def publish(self, content: bytes, content_type: str = "application/json") -> None:
        """Puts anything at all where notifications go."""
        with self._connection() as connection:
            exchange = kombu.Exchange(self.exchange, type="topic", durable=False)
            connection.Producer().publish(
                content,
                exchange=exchange,
                routing_key=f"{TOPIC}.info",
                content_type=content_type,
                content_encoding="utf-8",
            )

    def waiting(self) -> int:
        """Messages in the queue that nobody has taken."""
        with self._connection() as connection:
            queue = kombu.Queue(self.pool, channel=connection.channel(), durable=False)
            return int(queue.queue_declare(passive=True).message_count)

    def remove(self) -> None:
        """Deletes the queue."""
        with self._connection() as connection:
            channel = connection.channel()
            channel.queue_delete(self.pool)
            if self._own:
                channel.exchange_delete(self.exchange)

    def _is_bound(self) -> bool:
        try:
            self.waiting()
        except Exception:  # noqa: BLE001 - whatever the broker says: not yet
            return False
        return True

    def _connection(self) -> Any:
        if self.url == MEMORY:
            return kombu.Connection("memory://")
        return kombu.Connection(self.url.replace("rabbit://", "amqp://"))
