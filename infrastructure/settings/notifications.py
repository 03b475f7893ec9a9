"""How Vigil listens to the cloud."""

from dataclasses import dataclass

from infrastructure.settings.kinds import BadValue, Number, Text, Url
from infrastructure.settings.options import Derived, option

SCHEMES = ("rabbit", "amqp", "kafka", "kombu+memory")


@dataclass(frozen=True)
class Topics:
    """Names of topics, each perhaps with its exchange before a dot."""

    rule: str = "topics (exchange.topic, or topic) with commas between them"

    def parse(self, text: str) -> tuple[str, ...]:
        """As ``Kind`` says."""
        topics = tuple(part.strip() for part in text.split(",") if part.strip())
        if not topics or any(not all(topic.split(".", 1)) for topic in topics):
            raise BadValue
        return topics


@dataclass(frozen=True)
class NotificationSettings:
    """Notifications of Nova and Cinder (docs/notifications.md)."""

    rpc_url: str | None = option(
        "DEFAULT.transport_url",
        Url(SCHEMES),
        None,
        "The message bus of the cloud, as oslo.messaging writes it "
        "(rabbit://user:password@host:5672/). Not set: no notifications are listened to.",
        secret=True,
    )
    url: str | None = option(
        "oslo_messaging_notifications.transport_url",
        Url(SCHEMES),
        Derived("[DEFAULT] transport_url", lambda values: values.get(("DEFAULT", "transport_url"))),
        "The message bus that carries notifications, if it is another one.",
        secret=True,
    )
    topics: tuple[str, ...] = option(
        "watcher_decision_engine.notification_topics",
        Topics(),
        ("nova.versioned_notifications", "openstack.notifications"),
        "The topics that are listened to; the part before a dot is the exchange "
        "(Nova's is nova, Cinder's is what its control_exchange says).",
    )
    pool: str = option(
        "vigil.notification_pool",
        Text(),
        "vigil-notifications",
        "Name of the queue in which notifications wait for Vigil. All listeners of an installation "
        "share it; every other consumer needs another one.",
    )
    interval: float = option(
        "vigil.notification_interval",
        Number(0.05, 60.0),
        1.0,
        "Seconds for which notifications are gathered before the models are amended.",
    )
    resync_interval: float = option(
        "vigil.notification_resync_interval",
        Number(1.0),
        30.0,
        "Seconds between two collections that notifications ask for (because they tell that "
        "something changed, and not how), at least.",
    )
