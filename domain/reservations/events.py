from uuid import UUID

from domain.kernel.aggregate import Created, Event


class NameReserved(Created):
    """A name was reserved for its first owner."""

    TOPIC = "name.reserved"
    kind: str
    name: str
    owner: UUID


class NameReleased(Event):
    """The owner was deleted or renamed; the name is free."""

    TOPIC = "name.released"


class NameTakenAgain(Event):
    """A free name was reserved for a new owner."""

    TOPIC = "name.taken-again"
    name: str
    owner: UUID
