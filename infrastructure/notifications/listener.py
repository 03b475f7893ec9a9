"""Reads notifications of Nova and Cinder from the message bus, over oslo.messaging.

Messages are read in batches. A message is acknowledged after its facts are recorded, or if it is
useless or unreadable; until then the broker keeps it. While the database is unavailable the batch
waits unacknowledged, and the listener takes no further messages from the broker.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast
from uuid import uuid4

from oslo_config import cfg

from application.kernel.retry import RetryPolicy, retry
from application.ports.notifications import NotificationBatch
from infrastructure.clock import SystemClock
from infrastructure.notifications.heartbeats import INTERVAL, METHOD, Heartbeats, is_heartbeat
from infrastructure.notifications.translation import Outcomes, Quarantine, Translator

log = logging.getLogger(__name__)

HOW_TO_INSTALL = "notifications need oslo.messaging: pip install 'vigil-optimizer[notifications]'"
RETRY = RetryPolicy(first_pause=0.5, longest_pause=15.0)
"""Pauses between attempts to record a batch, and to start when the message bus refuses it."""
GRACE = 8.0
"""Seconds for which a stopping process waits for the broker."""
_PRIORITY = "info"
_RABBIT = ("rabbit", "kombu")
_CONNECTED = ("listener", "_poll_style_listener", "conn", "connection", "connection", "connected")
"""Where the library's RabbitMQ driver shows whether it is connected, from its server on."""
_CHANNEL = ("listener", "_poll_style_listener", "conn", "connection", "channel")
"""Where it shows its channel, which is a new one after each reconnection."""
_LOST = ("unreadable", "set-aside")
"""Outcomes of messages that leave something unknown."""


class NotInstalled(Exception):
    """oslo.messaging is missing: the extra ``notifications`` is not installed."""


@dataclass(frozen=True)
class Subscription:
    """A subscription to topics of a message bus.

    Attributes:
        url: transport URL of the message bus (``rabbit://user:password@host:5672/``).
        topics: each ``exchange.topic``, or a topic of the default exchange.
        pool: name of the queue that all listeners of an installation share.
        interval: seconds for which messages are collected into a batch.
        size: maximum number of messages in a batch.
    """

    url: str
    topics: Sequence[str]
    pool: str
    interval: float
    size: int = 500


class Listener:
    """Passes batches of notifications to ``record``.

    Args:
        conf: the library's options, from the operator's files.
        subscription: topics to listen to.
        record: records a batch; returns when it is durable.
        postponed: errors of ``record`` that the messages did not cause; it is called again.
        quarantine: stores each message that cannot be used.
        count: receives the outcomes of messages, once, before they are acknowledged. ``set-aside``
            is the outcome of a message that was read but could not be recorded.
        vouch: receives until when everything is recorded, and since when nothing is missing
            (monotonic clock), each time that a heartbeat proves it.

    Raises:
        NotInstalled: the library is missing.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        subscription: Subscription,
        record: Callable[[NotificationBatch], None],
        *,
        postponed: tuple[type[Exception], ...],
        quarantine: Quarantine,
        count: Callable[[Outcomes], None],
        vouch: Callable[[float, float], None] = lambda *_: None,
    ) -> None:
        self._library = library()
        self._conf = conf
        self._subscription = subscription
        self._record = record
        self._postponed = postponed
        self._quarantine = quarantine
        self._count = count
        self._translator = Translator(quarantine)
        self._stop = threading.Event()
        self._started: Any = None
        self._vouch = vouch
        self._exchanges = sorted({_exchange(topic) for topic in subscription.topics})
        self._heartbeats = Heartbeats(str(uuid4()), self._exchanges, self._channel)

    def is_listening(self) -> bool:
        """Whether it is connected to the message bus, as far as the library's driver shows that."""
        found = self._shown(_CONNECTED)
        return self._started is not None and found is not False

    def _channel(self) -> object | None:
        """Another object after each reconnection; None without one, or with another driver."""
        return self._shown(_CHANNEL) if self.is_listening() else None

    def _shown(self, path: Sequence[str]) -> object | None:
        found = self._started
        for name in path:
            found = getattr(found, name, None)
        return cast("object | None", found)

    def run(self, stop: threading.Event) -> None:
        """Listens until ``stop`` is set.

        If the bus refuses it (login, virtual host), it tries again. Once it has been connected, the
        library reconnects by itself, without a limit.
        """
        # start and stop wait for the broker without a limit; the process must end all the same
        starting = threading.Thread(target=self._start, name="listener start", daemon=True)
        starting.start()
        stop.wait()
        self._stop.set()
        ending = threading.Thread(target=self._end, args=(starting,), daemon=True)
        ending.start()
        ending.join(timeout=GRACE)
        if ending.is_alive():
            log.warning("stopping; the message bus does not respond, and keeps the open messages")

    def _start(self) -> None:
        def failed(error: Exception, pause: float) -> None:
            log.error("the message bus refuses the listener, retrying in %.1f s: %s", pause, error)

        with suppress(_Stopped):
            self._retry(self._start_once, (Exception,), failed)

    def _start_once(self) -> None:
        server = self._server()
        try:
            server.start(override_pool_size=1)  # one batch at a time
        except Exception:
            server.transport.cleanup()
            raise
        self._started = server
        threading.Thread(target=self._beat, name="heartbeats", daemon=True).start()
        topics = ", ".join(self._subscription.topics)
        log.info("listening to %s (queue %s)", topics, self._subscription.pool)

    def _beat(self) -> None:
        """Sends heartbeats through the exchanges, until the listener stops."""
        messaging = self._library
        transport = messaging.get_notification_transport(self._conf, url=self._subscription.url)

        def send(exchange: str, told: Mapping[str, Any]) -> None:
            topic = f"{self._heartbeat_topic}.{_PRIORITY}"
            target = messaging.Target(exchange=exchange or None, topic=topic)
            body = {"method": METHOD, "args": told}
            # what the library's clients call; its public functions for notifications make a queue
            transport._send(target, {}, body, retry=0)  # noqa: SLF001

        while not self._stop.is_set():
            self._heartbeats.send(send)
            self._stop.wait(INTERVAL)
        transport.cleanup()

    @property
    def _heartbeat_topic(self) -> str:
        return f"vigil-heartbeat-{self._subscription.pool}"

    def _end(self, starting: threading.Thread) -> None:
        starting.join()
        if self._started is not None:
            self._started.stop()
            self._started.wait()

    def _server(self) -> Any:
        messaging, chosen = self._library, self._subscription
        url = messaging.TransportURL.parse(self._conf, chosen.url)
        if url.transport.partition("+")[0] in _RABBIT:
            url.query.setdefault("rabbit_qos_prefetch_count", str(chosen.size))
        transport = messaging.get_notification_transport(self._conf, url=url)
        module = import_module("oslo_messaging.notify.listener")
        return module.BatchNotificationServer(
            transport,
            [
                *(_target(messaging, topic) for topic in chosen.topics),
                *(
                    messaging.Target(exchange=exchange or None, topic=self._heartbeat_topic)
                    for exchange in self._exchanges
                ),
            ],
            self,
            allow_requeue=True,
            pool=chosen.pool,
            batch_size=chosen.size,
            batch_timeout=chosen.interval,
        )

    # -- as the library's dispatcher -------------------------------------------------------------

    @property
    def supported_priorities(self) -> tuple[str, ...]:
        """The priorities to listen to."""
        return (_PRIORITY,)

    def dispatch(self, incoming: Sequence[Any]) -> Collection[Any]:
        """Processes a batch; returns the messages to requeue."""
        try:
            bodies = [one.message for one in incoming]
            self._process([body for body in bodies if not is_heartbeat(body)])
            self._prove([body for body in bodies if is_heartbeat(body)])
        except _Stopped:
            return set(incoming)
        return set()

    def _prove(self, heartbeats: Sequence[Mapping[str, Any]]) -> None:
        """Vouches for what was recorded before some heartbeats."""
        for body in heartbeats:
            self._heartbeats.arrived(body)
        heard = self._heartbeats.heard() if heartbeats else None
        if heard is None or not self._translator.has_updates:
            return
        try:
            self._record(NotificationBatch())  # facts that wait for the first collection
            self._vouch(heard.until, heard.since)
        except Exception as error:  # noqa: BLE001 - the messages are recorded all the same
            log.warning("models do not stay fresh, because nobody can vouch for them: %s", error)

    def _process(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Records some messages; a message that cannot be recorded is quarantined."""
        batch, outcomes = self._translator.read(bodies)
        try:
            if batch:
                self._record_durably(batch)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - it must not affect other messages
            if len(bodies) > 1:
                middle = len(bodies) // 2
                self._process(bodies[:middle])
                self._process(bodies[middle:])
                return
            self._set_aside(bodies[0], error)
            outcomes = Outcomes((event, "set-aside") for event, _ in outcomes)
        if any(outcome in _LOST for _, outcome in outcomes):
            self._heartbeats.missed()
        self._count(outcomes)

    def _record_durably(self, batch: NotificationBatch) -> None:
        def failed(error: Exception, pause: float) -> None:
            log.warning("notifications are not recorded yet, retrying in %.1f s: %s", pause, error)

        self._retry(lambda: self._record(batch), self._postponed, failed)

    def _retry(
        self,
        work: Callable[[], None],
        on: tuple[type[Exception], ...],
        failed: Callable[[Exception, float], None],
    ) -> None:
        try:
            retry(work, RETRY, on=on, clock=SystemClock(), stop=self._stop, failed=failed)
        except on as error:
            raise _Stopped from error

    def _set_aside(self, body: Mapping[str, Any], error: Exception) -> None:
        event, message = str(body.get("event_type")), str(body.get("message_id"))
        log.error("notification %s (%s) cannot be recorded", event, message, exc_info=error)
        self._quarantine(event, message, f"{type(error).__name__}: {error}")


class _Stopped(Exception):
    """The process is stopping; the broker keeps the messages."""


def library() -> Any:
    """The module oslo.messaging.

    Raises:
        NotInstalled: it is missing; the message says how to install it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own libraries
        try:
            # Its libraries load eventlet if it is installed, and eventlet does not work with
            # threads and forks. All of them work without it.
            sys.modules.setdefault("eventlet", cast(Any, None))
            backend = import_module("oslo_service.backend")
            backend.init_backend(backend.BackendType.THREADING)
            return import_module("oslo_messaging")
        except ModuleNotFoundError as error:
            raise NotInstalled(f"{HOW_TO_INSTALL} ({error})") from error


def is_installed() -> bool:
    """Whether oslo.messaging is installed; does not load it."""
    return find_spec("oslo_messaging") is not None


def _exchange(topic: str) -> str:
    """Of a topic; empty: the default one."""
    exchange, dot, _ = topic.partition(".")
    return exchange if dot else ""


def _target(messaging: Any, topic: str) -> Any:
    exchange, dot, name = topic.partition(".")
    return messaging.Target(exchange=exchange, topic=name) if dot else messaging.Target(topic=topic)
