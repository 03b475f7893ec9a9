from typing import TYPE_CHECKING
from uuid import UUID

from domain.kernel.aggregate import Created, Event

if TYPE_CHECKING:
    from domain.reservations.reservation import NameReservation


class NameReserved(Created):
    """A name got its first owner."""

    TOPIC = "name.reserved"
    kind: str
    name: str
    owner: UUID

    def apply(self, aggregate: "NameReservation") -> None:
        aggregate.kind = self.kind
        aggregate.name = self.name
        aggregate.owner = self.owner


class NameReleased(Event):
    """Its owner was deleted or renamed: the name is free."""

    TOPIC = "name.released"

    def apply(self, aggregate: "NameReservation") -> None:
        aggregate.owner = None


class NameTakenAgain(Event):
    """A free name got a new owner."""

    TOPIC = "name.taken-again"
    name: str
    owner: UUID

    def apply(self, aggregate: "NameReservation") -> None:
        aggregate.name = self.name
        aggregate.owner = self.owner
