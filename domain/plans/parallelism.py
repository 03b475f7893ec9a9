"""How many actions of a plan may be in progress at once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from domain.kernel.aggregate import JsonObject
from domain.plans.action import ActionSpec
from domain.plans.action_types.migrate import MIGRATE


@dataclass(frozen=True)
class Parallelism:
    """Limits on the actions of a plan that are in progress at once.

    Attributes:
        in_plan: action type → most in the plan.
        per_host: type of moves → most to or from one host.
        otherwise: most in the plan of each type that neither lists; None: no limit.
    """

    in_plan: Mapping[str, int] = field(default_factory=dict)
    per_host: Mapping[str, int] = field(default_factory=dict)
    otherwise: int | None = None

    def with_migrations(self, total: int | None, per_host: int | None) -> "Parallelism":
        """The same, with at most some migrations in the plan and at each host (None: no limit)."""
        return replace(
            self,
            in_plan=_lower(self.in_plan, total),
            per_host=_lower(self.per_host, per_host),
        )

    def limit(self, kind: str) -> int | None:
        """The most actions of a type in the plan; None: no limit."""
        return self.in_plan.get(kind, None if kind in self.per_host else self.otherwise)


class Slots:
    """Counts the actions in progress.

    Args:
        limits: the limits.
        taken: the actions that are in progress.
    """

    def __init__(self, limits: Parallelism, taken: Iterable[ActionSpec]) -> None:
        self._limits = limits
        self._in_plan: Counter[str] = Counter()
        self._at_host: Counter[tuple[str, str]] = Counter()
        for action in taken:
            self.count(action, 1)

    def full(self, action: ActionSpec) -> str | None:
        """The host without room for an action, empty for the whole plan; None: there is room."""
        limit, per_host = self._limits.limit(action.type), self._limits.per_host.get(action.type)
        if limit is not None and self._in_plan[action.type] >= limit:
            return ""
        if per_host is None:
            return None
        ends = hosts_of(action.parameters)
        return next((end for end in ends if self._at_host[action.type, end] >= per_host), None)

    def count(self, action: ActionSpec, change: int) -> None:
        """Counts an action that begins (1) or ends (-1)."""
        self._in_plan[action.type] += change
        for end in hosts_of(action.parameters):
            self._at_host[action.type, end] += change


def hosts_of(parameters: JsonObject) -> frozenset[str]:
    """The hosts that the parameters of an action name as its source and its destination."""
    given = parameters.get("source_node"), parameters.get("destination_node")
    return frozenset(str(host) for host in given if host)


def _lower(limits: Mapping[str, int], most: int | None) -> Mapping[str, int]:
    return limits if most is None else {**limits, MIGRATE: min(most, limits.get(MIGRATE, most))}
