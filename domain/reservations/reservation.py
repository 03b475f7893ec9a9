from typing import Self
from uuid import UUID

from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.errors import NameTaken
from domain.kernel.ids import reservation_id
from domain.kernel.metadata import Context
from domain.reservations.events import NameReleased, NameReserved, NameTakenAgain


class NameReservation(Aggregate):
    """Who has a name that must be unique among the living of its kind.

    Its id is a function of kind and name, and it is saved in one transaction with its owner: two
    creations of one name collide on the log's primary key.
    """

    TOPIC = "name"

    kind: str
    name: str
    owner: UUID | None

    @classmethod
    def reserve(cls, ctx: Context, kind: str, name: str, owner: UUID) -> Self:
        """The first reservation of a name."""
        return cls._new(
            NameReserved, ctx, reservation_id(kind, name), kind=kind, name=name, owner=owner
        )

    def take(self, ctx: Context, name: str, owner: UUID) -> None:
        """Gives a name that was used before to a new owner.

        Raises:
            NameTaken: somebody has it.
        """
        if self.owner == owner:
            return
        if self.owner is not None:
            raise NameTaken(self.kind, name)
        self._trigger(NameTakenAgain, ctx, name=name, owner=owner)

    def release(self, ctx: Context, owner: UUID) -> None:
        """Frees the name if ``owner`` has it."""
        if self.owner == owner:
            self._trigger(NameReleased, ctx)

    @evolves
    def _taken_again(self, event: NameTakenAgain) -> None:
        self.name = event.name
        self.owner = event.owner

    @evolves
    def _released(self, _: NameReleased) -> None:
        self.owner = None
