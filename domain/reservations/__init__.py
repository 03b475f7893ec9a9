"""Reservations that make names unique per kind of object."""

from typing import Final

from domain.reservations.reservation import NameReservation

AUDIT: Final = "audit"
AUDIT_TEMPLATE: Final = "audit template"
NAMED_KINDS: Final = (AUDIT, AUDIT_TEMPLATE)
"""Kinds of objects with unique names."""

__all__ = ["AUDIT", "AUDIT_TEMPLATE", "NAMED_KINDS", "NameReservation"]
