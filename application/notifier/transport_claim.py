"""Of several notifiers, one serves a transport."""

import logging
from collections.abc import Callable

from application.ports.notifier import TransportPositions
from application.ports.services import ServiceRegistry

log = logging.getLogger(__name__)


class TransportClaim:
    """The right to serve a transport and to move its position.

    A notifier takes over when the holder is presumed dead. A holder that lost its claim can still
    send what it is sending, but not move the position.

    Args:
        positions: the stored positions, with their holders.
        services: says which holders are presumed dead.
        transport: name of the transport.
        me: id of this notifier in ``services``; it must be registered.
    """

    def __init__(
        self, positions: TransportPositions, services: ServiceRegistry, transport: str, me: str
    ) -> None:
        self._positions = positions
        self._services = services
        self._transport = transport
        self._me = me

    def take(self, start: Callable[[], int]) -> int | None:
        """The position, if this notifier holds the transport or can take it; else None.

        Args:
            start: returns the position of a transport that has none.
        """
        found = self._positions.find(self._transport)
        if found is None:
            self._positions.create(self._transport, start(), self._me)
            found = self._positions.find(self._transport)
        if found is None:
            return None
        if found.holder == self._me:
            return found.position
        if self._services.is_presumed_dead(found.holder) and self._positions.claim(
            self._transport, self._me, found.holder
        ):
            log.info("%s: served from here, from position %d on", self._transport, found.position)
        return None  # the position may have moved since it was read

    def is_held(self) -> bool:
        """Whether this notifier still holds the transport."""
        found = self._positions.find(self._transport)
        return found is not None and found.holder == self._me

    def advance(self, after: int, upto: int) -> bool:
        """Moves the position forward; returns False if the claim is lost."""
        return self._positions.advance(self._transport, self._me, after, upto)
