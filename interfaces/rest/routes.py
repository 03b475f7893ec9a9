"""Every path of the API, and what each of its methods needs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from interfaces.rest.parameters import Parameter


class Access(Enum):
    """What a method of a route asks of the caller."""

    PUBLIC = auto()
    """Nothing, not even an identity."""
    IDENTIFIED = auto()
    """An identity, but no rule."""
    RULE = auto()
    """That a policy rule allows it."""
    OPEN = auto()
    """Nothing, because the deployment said so (webhooks)."""


@dataclass(frozen=True)
class RouteMethod:
    """A method of a route.

    Attributes:
        rule: name of the policy rule, for Access.RULE.
        query: the query parameters that it understands.
    """

    method: str
    rule: str | None = None
    access: Access = Access.RULE
    query: tuple[Parameter, ...] = ()

    @property
    def takes_query(self) -> bool:
        """Whether it understands any query parameter."""
        return bool(self.query)


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


def get(rule: str, *query: Parameter) -> RouteMethod:
    """A lookup or a list."""
    return RouteMethod("GET", rule, query=query)


def by_method(routes: Iterable[Route]) -> dict[tuple[str, str], RouteMethod]:
    """Endpoints by path template and method."""
    return {
        (route.path, endpoint.method): endpoint for route in routes for endpoint in route.endpoints
    }
