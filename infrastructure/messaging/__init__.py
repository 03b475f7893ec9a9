"""NATS: the doorbell beside the event log. Hints only, never the truth."""

from infrastructure.messaging.bus import NatsBus
from infrastructure.messaging.delivery import Poison, Tally
from infrastructure.messaging.embedded import EmbeddedNats, EmbeddedNatsError, StoreLimits
from infrastructure.messaging.relay import Relay, RelayStatus
from infrastructure.messaging.settings import ConsumerSettings, NatsSettings, StreamSettings

__all__ = [
    "ConsumerSettings",
    "EmbeddedNats",
    "EmbeddedNatsError",
    "NatsBus",
    "NatsSettings",
    "Poison",
    "Relay",
    "RelayStatus",
    "StoreLimits",
    "StreamSettings",
    "Tally",
]
