"""Notifications on an oslo.messaging bus, as oslo.messaging's own notifiers send them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg

from application.ports.notifier import Notification, Refuse, TransportUnavailable
from infrastructure.notifications.listener import library

VERSIONS = {"messaging": 1.0, "messagingv2": 2.0}
"""Driver of oslo.messaging → the format of its messages."""


@dataclass(frozen=True)
class MessagingTarget:
    """Where notifications go on a message bus.

    Attributes:
        url: of the bus.
        exchange: name of the exchange.
        topics: each gets every notification, with the routing key ``<topic>.<priority>``.
        driver: one of ``VERSIONS``.
    """

    url: str
    exchange: str
    topics: Sequence[str]
    driver: str = "messagingv2"


class MessagingTransport:
    """Sends notifications to a message bus. The broker confirms each one.

    The library's ``Notifier`` is not used: it makes up ids and times, and loses what the broker
    does not take.

    Args:
        conf: the library's options, from the operator's files.
        target: where the notifications go.

    Raises:
        NotInstalled: the library is missing.
    """

    name = "messaging"

    def __init__(self, conf: cfg.ConfigOpts, target: MessagingTarget) -> None:
        self._library = library()
        self._conf = conf
        self._target = target
        self._version = VERSIONS[target.driver]
        self._bus: Any = None

    def send(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        """Sends notifications one after the other.

        Raises:
            TransportUnavailable: the bus did not take one.
        """
        del refuse  # a bus takes every message
        try:
            for notification in notifications:
                self._send(notification)
        except Exception as error:
            self.close()
            raise TransportUnavailable(f"the message bus: {error}") from error

    def _send(self, notification: Notification) -> None:
        if self._bus is None:
            self._bus = self._library.get_notification_transport(self._conf, url=self._target.url)
        priority = notification.priority.lower()
        for topic in self._target.topics:
            where = self._library.Target(
                exchange=self._target.exchange, topic=f"{topic}.{priority}"
            )
            # the library adds to the message
            message = notification.envelope()
            self._bus._send_notification(  # noqa: SLF001 - what its notifiers call
                where, {}, message, version=self._version, retry=0
            )

    def close(self) -> None:
        """Closes the connection."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.cleanup()
