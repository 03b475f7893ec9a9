from domain.names.reservation import NameReservation

__all__ = ["NameReservation"]
