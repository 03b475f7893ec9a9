"""NATS: the doorbell beside the event log. Hints only, never the truth."""

from infrastructure.messaging.bus import NatsBus
from infrastructure.messaging.delivery import ConsumerStats, Poison
from infrastructure.messaging.embedded import EmbeddedNats, EmbeddedNatsError, StoreLimits
from infrastructure.messaging.relay import Relay, RelayStatus
from infrastructure.messaging.settings import (
    ConsumerSettings,
    HintStreamSettings,
    NatsConnectionSettings,
)

__all__ = [
    "ConsumerSettings",
    "ConsumerStats",
    "EmbeddedNats",
    "EmbeddedNatsError",
    "HintStreamSettings",
    "NatsBus",
    "NatsConnectionSettings",
    "Poison",
    "Relay",
    "RelayStatus",
    "StoreLimits",
]
