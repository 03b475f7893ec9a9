"""The ports of the notifier: what it sends, the transports, and how far each transport is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID


class Priority(StrEnum):
    """The priority of a notification, as consumers see it."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Notification:
    """A versioned notification.

    Attributes:
        message_id: the same whenever this notification is sent again.
        position: log position of the event that it reports.
        number: from 0, among the notifications of that event.
        event_type: for example ``audit.update``.
        publisher_id: of the sending process.
        at: time of the event, UTC.
        about: uuid of the object; notifications about one object are sent in order.
        payload: a versioned object, as plain JSON values.
    """

    message_id: UUID
    position: int
    number: int
    event_type: str
    priority: Priority
    publisher_id: str
    at: datetime
    about: UUID
    payload: Mapping[str, Any]

    def envelope(self) -> dict[str, Any]:
        """The message as oslo.messaging's notifiers write it."""
        return {
            "message_id": str(self.message_id),
            "publisher_id": self.publisher_id,
            "timestamp": self.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "priority": self.priority.value,
            "event_type": self.event_type,
            "payload": self.payload,
        }


class TransportUnavailable(Exception):
    """Some notifications were not delivered; all of them must be sent again later."""


Refuse = Callable[[Notification, int, str], None]
"""Stores a notification that its consumer refuses for good: notification, attempts, error."""


class Transport(Protocol):
    """A way to consumers. It is used by one thread."""

    @property
    def name(self) -> str:
        """Its name: of its stored position, in metrics and logs."""
        ...

    def send(self, notifications: Sequence[Notification], refuse: Refuse) -> None:
        """Delivers notifications, those about one object in their order.

        After an error the caller sends the same ones again, perhaps with later ones.

        Raises:
            TransportUnavailable: some were not delivered.
        """
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...


@dataclass(frozen=True)
class TransportPosition:
    """How far a transport is.

    Attributes:
        position: log position up to which everything was delivered or refused.
        holder: instance of the notifier that serves the transport.
        moved_at: when the position last changed, by the database's clock.
    """

    transport: str
    position: int
    holder: str
    moved_at: datetime


class TransportPositions(Protocol):
    """The stored position of each transport. Rows, not events."""

    def find(self, transport: str) -> TransportPosition | None:
        """The position of a transport, None before its first start."""
        ...

    def rows(self) -> list[TransportPosition]:
        """All positions, by name."""
        ...

    def create(self, transport: str, position: int, holder: str) -> None:
        """Stores the first position of a transport, unless there is one."""
        ...

    def claim(self, transport: str, holder: str, instead_of: str) -> bool:
        """Gives a transport to another holder.

        Returns:
            False if ``instead_of`` does not hold it any more.
        """
        ...

    def advance(self, transport: str, holder: str, after: int, upto: int) -> bool:
        """Moves a position forward.

        Returns:
            False if it is not ``after`` or somebody else holds the transport: nothing changed.
        """
        ...

    def remove(self, transport: str) -> bool:
        """Deletes the position of a transport; returns whether there was one."""
        ...
