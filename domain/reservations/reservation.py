from typing import Self
from uuid import UUID

from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.errors import NameTaken
from domain.kernel.ids import reservation_id
from domain.kernel.metadata import Context
from domain.reservations.events import NameReleased, NameReserved, NameTakenAgain


class NameReservation(Aggregate):
    """The owner of a name that is unique among the existing objects of a kind.

    Its id is derived from kind and name, and it is saved in the transaction of its owner: of two
    objects with the same name, the log refuses the second.
    """

    TOPIC = "name"

    kind: str
    name: str
    owner: UUID | None

    @classmethod
    def reserve(cls, ctx: Context, kind: str, name: str, owner: UUID) -> Self:
        """Reserves a name for its first owner."""
        return cls._new(
            NameReserved, ctx, reservation_id(kind, name), kind=kind, name=name, owner=owner
        )

    def take(self, ctx: Context, name: str, owner: UUID) -> None:
        """Reserves a released name for a new owner.

        Raises:
            NameTaken: it has another owner.
        """
        if self.owner == owner:
            return
        if self.owner is not None:
            raise NameTaken(self.kind, name)
        self._trigger(NameTakenAgain, ctx, name=name, owner=owner)

    def release(self, ctx: Context, owner: UUID) -> None:
        """Releases the name if it belongs to ``owner``."""
        if self.owner == owner:
            self._trigger(NameReleased, ctx)

    @evolves
    def _taken_again(self, event: NameTakenAgain) -> None:
        self.name = event.name
        self.owner = event.owner

    @evolves
    def _released(self, _: NameReleased) -> None:
        self.owner = None
