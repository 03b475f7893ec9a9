"""The message bus and the notifications of Nova and Cinder."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from oslo_config import types

from infrastructure.settings.option_types import Float, ServerUrl, text
from infrastructure.settings.options import Derived, option


class BusUrl(ServerUrl):
    """The URL of a message bus whose driver is installed."""

    def __init__(self) -> None:
        super().__init__("rabbit", "kafka", "kombu+memory")
        self.type_name += " (kafka:// needs the package confluent-kafka)"

    def __call__(self, value: Any) -> str:
        """Returns the URL."""
        url = super().__call__(value)
        if url.lower().startswith("kafka:") and find_spec("confluent_kafka") is None:
            raise ValueError(value)
        return url


BUS = BusUrl()
TOPICS = types.List(
    types.String(regex=r"^[^.,]+(\.[^,]+)?$"),
    type_name="topics (exchange.topic, or topic) separated by commas",
    min_length=1,
)


@dataclass(frozen=True)
class NotificationSettings:
    """Notifications of Nova and Cinder (docs/notifications.md)."""

    rpc_url: str | None = option(
        "DEFAULT.transport_url",
        BUS,
        None,
        "The message bus of the cloud, in oslo.messaging's format "
        "(rabbit://user:password@host:5672/). Not set: Vigil does not consume notifications.",
        secret=True,
    )
    url: str | None = option(
        "oslo_messaging_notifications.transport_url",
        BUS,
        Derived("[DEFAULT] transport_url", lambda values: values.get(("DEFAULT", "transport_url"))),
        "The message bus that carries notifications, if it is a different one.",
        secret=True,
    )
    topics: tuple[str, ...] = option(
        "watcher_decision_engine.notification_topics",
        TOPICS,
        ("nova.versioned_notifications", "openstack.notifications"),
        "The topics to consume. The part before the first dot is the exchange (nova for Nova; the "
        "value of control_exchange for Cinder).",
    )
    pool: str = option(
        "vigil.notification_pool",
        text(),
        "vigil-notifications",
        "Name of the queue in which the message bus keeps notifications for Vigil. All listeners "
        "of one installation share it; any other consumer needs a name of its own.",
    )
    interval: float = option(
        "vigil.notification_interval",
        Float(0.05, 60.0),
        1.0,
        "Seconds for which notifications are batched before the models are amended.",
    )
    resync_interval: float = option(
        "vigil.notification_resync_interval",
        Float(1.0),
        30.0,
        "Least seconds between two collections that notifications trigger. (A notification "
        "triggers a collection if it reports a change without its details.)",
    )
