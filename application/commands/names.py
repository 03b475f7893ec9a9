"""Unique names: reserved, changed and released in the transaction of their owner."""

from uuid import UUID

from application.kernel.unit_of_work import Transaction
from domain.kernel.errors import NameTaken
from domain.kernel.ids import reservation_id
from domain.kernel.metadata import Context
from domain.reservations import NameReservation

LONGEST = 63
"""Characters of a name: a column of the API's schema."""


def reserve(tx: Transaction, ctx: Context, kind: str, name: str, owner: UUID) -> None:
    """Reserves a name for a new owner.

    Raises:
        NameTaken: another object of the kind has it.
    """
    reservation = tx.find(NameReservation, reservation_id(kind, name))
    if reservation is None:
        tx.add(NameReservation.reserve(ctx, kind, name, owner))
        return
    try:
        reservation.take(ctx, name, owner)
    except NameTaken:
        raise NameTaken(kind, name) from None


def free(tx: Transaction, kind: str, name: str) -> bool:
    """Whether a name is free."""
    reservation = tx.find(NameReservation, reservation_id(kind, name))
    return reservation is None or reservation.owner is None


def release(tx: Transaction, ctx: Context, kind: str, name: str, owner: UUID) -> None:
    """Releases the name of a deleted owner."""
    reservation = tx.find(NameReservation, reservation_id(kind, name))
    if reservation is not None:
        reservation.release(ctx, owner)


def rename(tx: Transaction, ctx: Context, kind: str, old: str, new: str, owner: UUID) -> None:
    """Renames an owner. If only the case changes, the reservation stays.

    Raises:
        NameTaken: another object of the kind has it.
    """
    if reservation_id(kind, old) == reservation_id(kind, new):
        return
    reserve(tx, ctx, kind, new, owner)
    release(tx, ctx, kind, old, owner)
