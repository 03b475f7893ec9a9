"""NATS: hints that the event log has grown. The log alone is authoritative."""

from infrastructure.messaging.bus import NatsBus
from infrastructure.messaging.embedded import EmbeddedNats, EmbeddedNatsError, StoreLimits
from infrastructure.messaging.relay import Relay, RelayStatus
from infrastructure.messaging.settings import (
    HintStreamSettings,
    NatsConnectionSettings,
)

__all__ = [
    "EmbeddedNats",
    "EmbeddedNatsError",
    "HintStreamSettings",
    "NatsBus",
    "NatsConnectionSettings",
    "Relay",
    "RelayStatus",
    "StoreLimits",
]
