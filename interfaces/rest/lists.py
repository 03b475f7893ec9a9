"""Lists: their query parameters, pages, and the link to the next page (docs/api.md, "Lists")."""

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

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
"""Python's int() refuses text of more digits."""

STANDARD = frozenset({"created_at", "updated_at", "deleted_at", "id", "uuid"})


class Marker(Enum):
    """What identifies the last row of a page."""

    UUID = auto()
    UUID_OR_MISSING = auto()
    """Text that is not a uuid counts as an unknown row, not as an invalid value."""
    NUMBER = auto()


class Filter(Enum):
    """The values of a filter."""

    NAME = auto()
    """A uuid or a name."""
    UUID = auto()


@dataclass(frozen=True)
class Listing:
    """What a list accepts.

    Attributes:
        name: of the collection, in paths and bodies.
        sort_keys: accepted values of ``sort_key``.
        filters: parameter → its values.
        exclusive: filters that cannot be combined.
        marker: what a marker is.
    """

    name: str
    sort_keys: frozenset[str]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    exclusive: frozenset[str] = frozenset()
    marker: Marker = Marker.UUID

    @property
    def identity(self) -> str:
        """The attribute of a row that markers refer to."""
        return "id" if self.marker is Marker.NUMBER else "uuid"

    @property
    def query(self) -> tuple[Parameter, ...]:
        """Its query parameters."""
        number = self.marker is Marker.NUMBER
        marker = {"type": "integer"} if number else {"type": "string", "format": "uuid"}
        keys = {"type": "string", "enum": sorted(self.sort_keys), "default": "id"}
        order = {"type": "string", "enum": ["asc", "desc"], "default": "asc"}
        return (
            Parameter("limit", "Maximum number of rows.", {"type": "integer", "minimum": 1}),
            Parameter("marker", "The last row of the previous page.", marker),
            Parameter("sort_key", "Sort key; id is the order of creation.", keys),
            Parameter("sort_dir", "Sort direction.", order),
            *(_parameter(name, kind) for name, kind in self.filters.items()),
        )


@dataclass(frozen=True)
class ListQuery:
    """The parameters of a list request, with valid syntax."""

    listing: Listing
    parameters: Mapping[str, str]
    filters: Mapping[str, str]
    show_deleted: bool

    @classmethod
    def of(cls, req: falcon.Request, listing: Listing) -> "ListQuery":
        """Reads the parameters and checks what is checked before the policy.

        Raises:
            MalformedRequest: one is unknown, given twice, or of the wrong type.
        """
        parameters = media.query(req, listing.query)
        if "limit" in parameters:
            _check_integer("limit", parameters["limit"])
        if "marker" in parameters:
            parameters["marker"] = _marker(listing, parameters["marker"])
        filters = {
            name: _filter(name, kind, parameters[name])
            for name, kind in listing.filters.items()
            if parameters.get(name)
        }
        return cls(listing, parameters, filters, call_of(req).show_deleted)

    def page(self, max_limit: int) -> Page:
        """The requested page.

        Raises:
            MalformedRequest: filters exclude each other, or a parameter has an invalid value.
            MarkerNotFound: the marker cannot refer to a row.
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
        """URL of the next page, None if this one is not full.

        Args:
            base: scheme and host of the request, without a mount prefix.
            page: the requested page.
            rows: its rows.
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


def _parameter(name: str, kind: Filter) -> Parameter:
    if kind is Filter.UUID:
        either = [{"format": "uuid"}, {"maxLength": 0}]
        schema = {"type": "string", "anyOf": either}
        return Parameter(name, "Only rows that belong to this object; empty = all.", schema)
    return Parameter(name, "Only rows with this uuid or name.", {"type": "string"})


def _marker(listing: Listing, text: str) -> str:
    if listing.marker is Marker.NUMBER:
        _check_integer("marker", text)
        return str(int(text))
    found = as_uuid(text)
    if found is None and listing.marker is Marker.UUID:
        raise MalformedRequest(f"Invalid value for marker: {text!r} is not a uuid")
    return text if found is None else str(found)


def _check_integer(name: str, text: str) -> None:
    if not _INTEGER.fullmatch(text):
        raise MalformedRequest(f"Invalid value for {name}: {text!r} is not an integer")


def _filter(name: str, kind: Filter, text: str) -> str:
    if kind is Filter.NAME:
        return text
    found = as_uuid(text)
    if found is None:
        raise MalformedRequest(f"Invalid value for {name}: {text!r} is not a uuid")
    return str(found)
