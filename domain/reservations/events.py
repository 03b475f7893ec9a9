from uuid import UUID

from domain.kernel.aggregate import Created, Event


class NameReserved(Created):
    """A name got its first owner."""

    TOPIC = "name.reserved"
    kind: str
    name: str
    owner: UUID


class NameReleased(Event):
    """Its owner was deleted or renamed: the name is free."""

    TOPIC = "name.released"


class NameTakenAgain(Event):
    """A free name got a new owner."""

    TOPIC = "name.taken-again"
    name: str
    owner: UUID
