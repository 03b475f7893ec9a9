"""The transports of Vigil's own notifications, and what composes them."""

from collections.abc import Iterator

from application.notifier.composer import Composer
from application.notifier.objects import PassingObjects
from application.ports.notifier import Transport
from infrastructure.cron import next_match
from infrastructure.notifier.messaging import MessagingTarget, MessagingTransport
from infrastructure.notifier.nats import NatsTransport, NotificationStreamSettings
from infrastructure.notifier.signing import secret_key
from infrastructure.notifier.webhooks import WebhookEndpoint, WebhookTransport
from infrastructure.settings import Settings
from infrastructure.settings.libraries import library_options
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.workers import nats


def transports(settings: Settings) -> Iterator[Transport]:
    """The transports that the settings name.

    Raises:
        NotInstalled: oslo.messaging is missing.
        ValueError: the settings do not name a NATS server.
    """
    chosen, url = settings.notifier, settings.notifications.url
    if chosen.uses_bus and url is not None:
        target = MessagingTarget(url, chosen.exchange, chosen.topics, chosen.driver)
        yield MessagingTransport(library_options(settings).load(), target)
    if chosen.nats:
        stream = NotificationStreamSettings(replicas=settings.nats.replicas)
        yield NatsTransport(nats(settings), stream)
    for name, address in chosen.webhooks.items():
        endpoint = WebhookEndpoint(
            name,
            address,
            secret_key(chosen.secrets[name]),
            timeout=chosen.webhook_timeout,
            give_up=chosen.webhook_give_up,
        )
        yield WebhookTransport(endpoint, CLOCK)


def composer(settings: Settings, database: OpenDatabase) -> Composer:
    """Composes the notifications of one pass over the log."""
    objects = PassingObjects(database.log, next_match)
    return Composer(objects, f"infra-optim:{settings.host}", settings.notifier.level)
