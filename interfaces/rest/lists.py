"""Lists: their query parameters, pages, and the link to the next one (rest-api 2.0.5, 2.0.6)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import urlencode

import falcon

from application.ports.read_models import MarkerNotFound, Page
from domain.kernel.ids import as_uuid
from interfaces.rest import media
from interfaces.rest.call import call_of
from interfaces.rest.errors import MalformedRequest
from interfaces.rest.parameters import Parameter

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
"""Digits that Python reads as a number; it refuses more of them."""

STANDARD = frozenset({"created_at", "updated_at", "deleted_at", "id", "uuid"})


class Marker(Enum):
    """What names the last row of a page."""

    UUID = auto()
    UUID_OR_MISSING = auto()
    """Text that is no uuid is a row that does not exist, not a mistake."""
    NUMBER = auto()


class Filter(Enum):
    """What a filter takes."""

    NAME = auto()
    """A uuid or a name."""
    UUID = auto()


@dataclass(frozen=True)
class Listing:
    """What a list understands.

    Attributes:
        name: of the collection, in paths and bodies.
        sort_keys: accepted ones.
        filters: parameter → what it takes.
        exclusive: filters that cannot be combined.
        identity: attribute of a row that markers name.
    """

    name: str
    sort_keys: frozenset[str]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    exclusive: frozenset[str] = frozenset()
    marker: Marker = Marker.UUID

    @property
    def identity(self) -> str:
        """The attribute of a row that markers name."""
        return "id" if self.marker is Marker.NUMBER else "uuid"

    @property
    def query(self) -> tuple[Parameter, ...]:
        """The query parameters that it understands."""
        number = self.marker is Marker.NUMBER
        marker = {"type": "integer"} if number else {"type": "string", "format": "uuid"}
        keys = {"type": "string", "enum": sorted(self.sort_keys), "default": "id"}
        order = {"type": "string", "enum": ["asc", "desc"], "default": "asc"}
        return (
            Parameter("limit", "At most so many rows.", {"type": "integer", "minimum": 1}),
            Parameter("marker", "The row before the first wanted one.", marker),
            Parameter("sort_key", "What the rows are sorted by; id is creation order.", keys),
            Parameter("sort_dir", "In which direction.", order),
            *(_documented(name, kind) for name, kind in self.filters.items()),
        )


@dataclass(frozen=True)
class ListQuery:
    """The parameters of a list request, syntactically right."""

    listing: Listing
    parameters: Mapping[str, str]
    filters: Mapping[str, str]
    show_deleted: bool

    @classmethod
    def of(cls, req: falcon.Request, listing: Listing) -> "ListQuery":
        """Reads the parameters: what can be said before the policy is asked.

        Raises:
            MalformedRequest: one is unknown, given twice, or of the wrong type.
        """
        parameters = media.query(req, (one.name for one in listing.query))
        if "limit" in parameters and not _WHOLE.fullmatch(parameters["limit"]):
            raise MalformedRequest(
                f"Invalid value for limit: {parameters['limit']!r} is no integer"
            )
        if "marker" in parameters:
            parameters["marker"] = _marker(listing, parameters["marker"])
        filters = {
            name: _filter(name, kind, parameters[name])
            for name, kind in listing.filters.items()
            if parameters.get(name)
        }
        return cls(listing, parameters, filters, call_of(req).show_deleted)

    def page(self, max_limit: int) -> Page:
        """The page that is asked for.

        Raises:
            MalformedRequest: filters exclude each other, or a parameter has no such value.
            MarkerNotFound: the marker can name no row.
        """
        if len(self.listing.exclusive & set(self.filters)) > 1:
            names = " and ".join(sorted(self.listing.exclusive))
            raise MalformedRequest(f"{names} cannot be used together.")
        key = self.parameters.get("sort_key", "id")
        if key not in self.listing.sort_keys:
            raise MalformedRequest(f"Invalid sort key: {key}")
        limit = int(self.parameters.get("limit", max_limit))
        if limit < 1:
            raise MalformedRequest("Limit must be positive")
        direction = self.parameters.get("sort_dir", "asc")
        if direction not in {"asc", "desc"}:
            raise MalformedRequest(
                f"Invalid sort direction: {direction}. Acceptable values are asc, desc"
            )
        marker = self.parameters.get("marker")
        if marker is not None and self.listing.marker is not Marker.NUMBER and not as_uuid(marker):
            raise MarkerNotFound(f"Marker {marker} could not be found.")
        return Page(
            limit=min(limit, max_limit),
            marker=marker,
            sort_key=key,
            descending=direction == "desc",
            show_deleted=self.show_deleted,
        )

    def next_link(self, base: str, page: Page, rows: Sequence[Any], *, detail: bool) -> str | None:
        """Where the next page is, None if this one is not full.

        Args:
            base: scheme and host of the request, without a mount prefix.
            page: what was asked for.
            rows: what was found.
            detail: whether the list shows details.
        """
        if len(rows) < page.limit:
            return None
        arguments = {
            **self.filters,
            "sort_key": self.parameters.get("sort_key", "id"),
            "sort_dir": "desc" if page.descending else "asc",
            "limit": str(page.limit),
            "marker": str(getattr(rows[-1], self.listing.identity)),
        }
        path = f"{self.listing.name}/detail" if detail else self.listing.name
        return f"{base}/v1/{path}?{urlencode(arguments)}"


def _documented(name: str, kind: Filter) -> Parameter:
    if kind is Filter.UUID:
        either = [{"format": "uuid"}, {"maxLength": 0}]
        schema = {"type": "string", "anyOf": either}
        return Parameter(name, "Only what belongs to it; nothing means all.", schema)
    return Parameter(name, "Only what has it: a uuid or a name.", {"type": "string"})


def _marker(listing: Listing, text: str) -> str:
    if listing.marker is Marker.NUMBER:
        if not _WHOLE.fullmatch(text):
            raise MalformedRequest(f"Invalid value for marker: {text!r} is no integer")
        return str(int(text))
    found = as_uuid(text)
    if found is None and listing.marker is Marker.UUID:
        raise MalformedRequest(f"Invalid value for marker: {text!r} is no uuid")
    return text if found is None else str(found)


def _filter(name: str, kind: Filter, text: str) -> str:
    if kind is Filter.NAME:
        return text
    found = as_uuid(text)
    if found is None:
        raise MalformedRequest(f"Invalid value for {name}: {text!r} is no uuid")
    return str(found)
