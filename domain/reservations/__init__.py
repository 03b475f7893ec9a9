from domain.reservations.reservation import NameReservation

__all__ = ["NameReservation"]
