from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from application.ports.read_models import MarkerNotFound, Page
from application.ports.services import ServiceRow
from interfaces.rest.lists import Listing, Marker
from interfaces.rest.resources.base import CollectionResource
from interfaces.rest.schemas import services as schemas

LISTING = Listing(
    "services",
    frozenset({"id", "name", "host", "last_seen_up", "created_at", "updated_at", "deleted_at"}),
    marker=Marker.NUMBER,
)

MAX_DIGITS = 18
"""Digits of an id; a longer number is treated as a name."""


class ServicesResource(CollectionResource[ServiceRow]):
    """``/v1/services``. There are few rows: they are sorted and paged in memory."""

    listing = LISTING
    kind = "Service"
    document = staticmethod(schemas.service)

    def find(self, ident: str, *, show_deleted: bool) -> ServiceRow | None:
        """The row of an id or name; the first one if several hosts run a service of the name."""
        del show_deleted
        rows = sorted(self.api.services.rows(), key=lambda row: row.id)
        if ident.isdecimal() and len(ident) <= MAX_DIGITS:
            return next((row for row in rows if row.id == int(ident)), None)
        wanted = ident.casefold()
        return next((row for row in rows if row.name.casefold() == wanted), None)

    def rows(self, page: Page, filters: dict[str, str]) -> Sequence[ServiceRow]:
        """A page of the list."""
        del filters
        return page_of(self.api.services.rows(), page)


def page_of(rows: Sequence[ServiceRow], page: Page) -> list[ServiceRow]:
    """A page of the services.

    Raises:
        MarkerNotFound: no row has the marker's id.
    """
    ordered = sorted(rows, key=lambda row: _key(row, page.sort_key), reverse=page.descending)
    if page.marker is None:
        return ordered[: page.limit]
    places = {row.id: place for place, row in enumerate(ordered)}
    place = places.get(int(page.marker))
    if place is None:
        raise MarkerNotFound(f"Marker {page.marker} could not be found.")
    return ordered[place + 1 : place + 1 + page.limit]


def _key(row: ServiceRow, sort_key: str) -> tuple[Any, int]:
    if sort_key == "updated_at":
        sort_key = "last_seen_up"
    value: int | str | datetime = asdict(row).get(sort_key, 0)
    return value, row.id
