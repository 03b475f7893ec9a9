"""What a route consists of: path, resource, access, parameters, and the types of its bodies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from interfaces.rest.parameters import Parameter


class Access(Enum):
    """What a method of a route requires of the caller."""

    PUBLIC = auto()
    """Nothing, not even an identity."""
    IDENTIFIED = auto()
    """An identity, but no policy rule."""
    RULE = auto()
    """An identity that a policy rule allows."""
    OPEN = auto()
    """Nothing, because the configuration opens the route (webhooks)."""


@dataclass(frozen=True)
class RowsBody:
    """A page of a list: an object with the rows under a name, and perhaps ``next``."""

    name: str
    row: type


@dataclass(frozen=True)
class TextBody:
    """A body that is not JSON.

    Attributes:
        media: content types that the client can choose from.
        item: type of the JSON document in each server-sent event; None = plain text.
    """

    media: tuple[str, ...]
    item: type | None = None


ANYTHING = object()
"""A body that may be any JSON document."""


@dataclass(frozen=True)
class RouteMethod:
    """A method of a route.

    Attributes:
        answers: successful status → type of the body, ``RowsBody``, ``TextBody``, or None.
        rule: name of the policy rule, for Access.RULE.
        query: its query parameters.
        body: type of the request's body, ``ANYTHING``, or None without one.
        since: minor version from which on it exists.
        refusals: error statuses beyond those that follow from the rest (openapi/refusals.py).
    """

    method: str
    answers: Mapping[int, Any]
    rule: str | None = None
    access: Access = Access.RULE
    query: tuple[Parameter, ...] = ()
    body: Any = None
    since: int = 0
    refusals: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Route:
    """A path template and the resource that answers it.

    Attributes:
        suffix: which responders of the resource (``on_get_<suffix>``); None = ``on_get``.
    """

    path: str
    resource: object
    suffix: str | None = None
    endpoints: tuple[RouteMethod, ...] = field(default=())

    @property
    def public(self) -> bool:
        """Whether every method of it is public."""
        return all(endpoint.access is Access.PUBLIC for endpoint in self.endpoints)


def by_method(routes: Iterable[Route]) -> dict[tuple[str, str], RouteMethod]:
    """Endpoints by path template and method."""
    return {
        (route.path, endpoint.method): endpoint for route in routes for endpoint in route.endpoints
    }
