"""Every path of the API, and what each of its methods needs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto


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
class Endpoint:
    """A method of a route.

    Attributes:
        rule: name of the policy rule, for Access.RULE.
        takes_query: whether it understands query parameters.
    """

    method: str
    rule: str | None = None
    access: Access = Access.RULE
    takes_query: bool = False


@dataclass(frozen=True)
class Route:
    """A path template and the resource that answers it.

    Attributes:
        suffix: which responders of the resource (``on_get_<suffix>``); None = ``on_get``.
    """

    path: str
    resource: object
    suffix: str | None = None
    endpoints: tuple[Endpoint, ...] = field(default=())

    @property
    def public(self) -> bool:
        """Whether every method of it is public."""
        return all(endpoint.access is Access.PUBLIC for endpoint in self.endpoints)


def get(rule: str) -> Endpoint:
    """A lookup."""
    return Endpoint("GET", rule)


def listing(rule: str) -> Endpoint:
    """A list, which understands query parameters."""
    return Endpoint("GET", rule, takes_query=True)


def by_method(routes: Iterable[Route]) -> dict[tuple[str, str], Endpoint]:
    """Endpoints by path template and method."""
    return {
        (route.path, endpoint.method): endpoint for route in routes for endpoint in route.endpoints
    }
