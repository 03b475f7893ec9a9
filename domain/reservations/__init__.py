"""Reservations that make names unique per kind of object."""

from domain.reservations.reservation import NameReservation

__all__ = ["NameReservation"]
