"""The events of a service. Heartbeats are rows; only changes of the state are events."""

from datetime import datetime

from domain.kernel.aggregate import Created, Event
from domain.services.states import ServiceState


class ServiceSeen(Created):
    """A service was seen for the first time.

    Attributes:
        name, host: its identity.
        last_seen_up: time of its latest heartbeat.
    """

    TOPIC = "service.seen"
    name: str
    host: str
    state: ServiceState
    last_seen_up: datetime


class ServiceStateChanged(Event):
    """A service failed or was stopped, or is active again.

    Attributes:
        old_state: before.
        last_seen_up: time of its latest heartbeat.
    """

    TOPIC = "service.state-changed"
    name: str
    host: str
    old_state: ServiceState
    state: ServiceState
    last_seen_up: datetime
