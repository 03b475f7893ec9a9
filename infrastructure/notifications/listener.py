"""Messages from the bus that Nova and Cinder share with others, over oslo.messaging.

Messages are read in batches. One is acknowledged after what it tells was recorded, or after it was
found to be useless or unreadable; until then the broker keeps it. While the database does not
answer the batch waits, unacknowledged, and no more than a batch is taken from the broker.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from oslo_config import cfg

from application.kernel.retry import RetryPolicy, retry
from application.ports.notifications import NotificationBatch
from infrastructure.clock import SystemClock
from infrastructure.notifications.translation import Outcomes, Quarantine, Translator

log = logging.getLogger(__name__)

HOW_TO_INSTALL = "notifications need oslo.messaging: pip install 'vigil-optimizer[notifications]'"
RECORD_RETRY = RetryPolicy(first_pause=0.5, longest_pause=15.0)
"""Pauses between attempts to record a batch."""
GRACE = 8.0
"""Seconds in which the broker must have answered when the process ends."""
_PRIORITY = "info"
_RABBIT = ("rabbit", "kombu")


class NotInstalled(Exception):
    """oslo.messaging is not there: the extra ``notifications`` was not installed."""


@dataclass(frozen=True)
class Subscription:
    """What is listened to.

    Attributes:
        url: transport URL of the message bus (``rabbit://user:password@host:5672/``).
        topics: ``exchange.topic`` each, or a topic of the default exchange.
        pool: name of the queue that all listeners of an installation share.
        interval: seconds for which messages are gathered into a batch.
        size: messages in a batch at most.
    """

    url: str
    topics: Sequence[str]
    pool: str
    interval: float
    size: int = 500


class Listener:
    """Hands batches of messages to whoever records what they tell.

    Args:
        conf: options of the library, from the operator's files.
        subscription: what is listened to.
        record: records what messages tell; returns when that is safe.
        postponed: errors of ``record`` that have nothing to do with messages: it is asked again.
        quarantine: is told of each message that cannot be used.
        count: is told what became of messages, once each, when they are about to be acknowledged.
            ``set-aside`` is the outcome of one that was read and could not be recorded.

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

    def run(self, stop: threading.Event) -> None:
        """Listens until told to stop. The library reconnects by itself, for as long as it takes."""
        server = self._server()
        # starting and ending wait for the broker, however long; the process must end all the same
        starting = threading.Thread(target=self._start, args=(server,), daemon=True)
        starting.start()
        stop.wait()
        self._stop.set()
        ending = threading.Thread(target=self._end, args=(server, starting), daemon=True)
        ending.start()
        ending.join(timeout=GRACE)
        if ending.is_alive():
            log.warning("ending while the message bus does not answer; it keeps what is not done")

    def _start(self, server: Any) -> None:
        server.start(override_pool_size=1)  # one batch after the other
        topics = ", ".join(self._subscription.topics)
        log.info("listening to %s (queue %s)", topics, self._subscription.pool)

    def _end(self, server: Any, starting: threading.Thread) -> None:
        starting.join()
        server.stop()
        server.wait()

    def _server(self) -> Any:
        messaging, chosen = self._library, self._subscription
        url = messaging.TransportURL.parse(self._conf, chosen.url)
        if url.transport.partition("+")[0] in _RABBIT:
            url.query.setdefault("rabbit_qos_prefetch_count", str(chosen.size))
        transport = messaging.get_notification_transport(self._conf, url=url)
        module = import_module("oslo_messaging.notify.listener")
        return module.BatchNotificationServer(
            transport,
            [_target(messaging, topic) for topic in chosen.topics],
            self,
            allow_requeue=True,
            pool=chosen.pool,
            batch_size=chosen.size,
            batch_timeout=chosen.interval,
        )

    # -- as the library's dispatcher -------------------------------------------------------------

    @property
    def supported_priorities(self) -> tuple[str, ...]:
        """The priorities that are listened to."""
        return (_PRIORITY,)

    def dispatch(self, incoming: Sequence[Any]) -> Collection[Any]:
        """Takes a batch; returns the messages that the broker is to keep."""
        try:
            self._take([one.message for one in incoming])
        except _Stopped:
            return set(incoming)
        return set()

    def _take(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Records what some messages tell; those that cannot be recorded are set aside."""
        told, outcomes = self._translator.read(bodies)
        try:
            if told:
                self._recorded(told)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - one message's failure is not the others'
            if len(bodies) > 1:
                middle = len(bodies) // 2
                self._take(bodies[:middle])
                self._take(bodies[middle:])
                return
            self._set_aside(bodies[0], error)
            outcomes = Outcomes((event, "set-aside") for event, _ in outcomes)
        self._count(outcomes)

    def _recorded(self, told: NotificationBatch) -> None:
        def failed(error: Exception, pause: float) -> None:
            log.warning("notifications wait, again in %.1f s: %s", pause, error)

        try:
            retry(
                lambda: self._record(told),
                RECORD_RETRY,
                on=self._postponed,
                clock=SystemClock(),
                stop=self._stop,
                failed=failed,
            )
        except self._postponed as error:
            raise _Stopped from error

    def _set_aside(self, body: Mapping[str, Any], error: Exception) -> None:
        event, message = str(body.get("event_type")), str(body.get("message_id"))
        log.error("the notification %s (%s) is set aside", event, message, exc_info=error)
        self._quarantine(event, message, f"{type(error).__name__}: {error}")


class _Stopped(Exception):
    """The process ends: the broker keeps the messages."""


def library() -> Any:
    """oslo.messaging.

    Raises:
        NotInstalled: it is not there; the message says how to install it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own libraries
        try:
            # The library's own libraries load eventlet where they find it, and eventlet wants the
            # whole process to itself (no threads, no forks). They all do without it.
            sys.modules.setdefault("eventlet", cast(Any, None))
            backend = import_module("oslo_service.backend")
            backend.init_backend(backend.BackendType.THREADING)
            return import_module("oslo_messaging")
        except ModuleNotFoundError as error:
            raise NotInstalled(f"{HOW_TO_INSTALL} ({error})") from error


def is_installed() -> bool:
    """Whether oslo.messaging is there; it is not loaded."""
    return find_spec("oslo_messaging") is not None


def _target(messaging: Any, topic: str) -> Any:
    exchange, dot, name = topic.partition(".")
    return messaging.Target(exchange=exchange, topic=name) if dot else messaging.Target(topic=topic)
