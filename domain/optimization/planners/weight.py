"""The planner that orders actions by the weight of their type, in chunks with barriers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.cluster.placement.policy import PlacementPolicy
from domain.kernel.errors import InvalidValue
from domain.kernel.options import option
from domain.optimization.context import PlanContext
from domain.optimization.planner import Planner
from domain.optimization.solution import Solution
from domain.plans.action_types import (
    CHANGE_POWER_STATE,
    CHANGE_SERVICE_STATE,
    MIGRATE,
    ActionType,
)
from domain.plans.proposal import PlannedAction, ProposedAction

WITHOUT_ACTION: Final = {"turn_host_to_acpi_s3_state": (10, 2)}
"""Weight and parallelization of names that Watcher's options list, although it has no such type."""
UNRECORDED: Final = {"shelve": (37, 2), "delete": (33, 2)}
"""Likewise of types whose values were in force, but not in the records of the first versions."""
UNKNOWN_WEIGHT: Final = 0
UNKNOWN_PARALLELIZATION: Final = 1


@dataclass(frozen=True)
class WeightOptions:
    """Options of the weight planner. A type that is not listed has weight 0 and runs alone.

    Attributes:
        weights: action type → weight, heaviest first. Types of equal weight form one group, cut
            where the type changes.
        parallelization: action type → how many of it may run at once (less than 1 counts as 1).

    Raises:
        InvalidValue: a value is not a whole number; names the option and the type.
    """

    weights: Mapping[str, int] = option(
        dict,
        "Weight of each action type; heavier types are executed first. Types that are not listed "
        "keep their defaults.",
        least=0,
    )
    parallelization: Mapping[str, int] = option(
        dict,
        "Most actions of each type that run in parallel. Types that are not listed keep their "
        "defaults.",
        least=1,
    )

    def __post_init__(self) -> None:
        """Completes what old records lack."""
        weights = _whole("weights", self.weights)
        parallelization = _whole("parallelization", self.parallelization)
        for kind, (weight, parallel) in UNRECORDED.items():
            weights.setdefault(kind, weight)
            parallelization.setdefault(kind, parallel)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "parallelization", parallelization)


class WeightPlanner(Planner[WeightOptions]):
    """Heaviest action types first; each chunk waits until the whole previous chunk has ended.

    A host that the solution disables after moves off it is disabled only after all of these, and
    requires them. One that it disables before is disabled first, so that no server arrives.

    Within a weight the order of the solution is kept, so a strategy whose moves are legal one
    after the other stays legal. A chunk never has two moves of the same server, nor a move to a
    host that another move of the chunk leaves (a server in migration uses resources on both hosts),
    nor more moves than the limits in force allow. If NUMA cells must certainly fit, it has no two
    moves to one host either: that both fit one after the other says nothing of the other order.
    """

    name = "weight"
    options = WeightOptions

    def defaults(self, action_types: Iterable[ActionType]) -> WeightOptions:
        """What the action types declare, heaviest first."""
        declared = {one.name: (one.weight, one.parallelization) for one in action_types}
        ordered = sorted({**declared, **WITHOUT_ACTION}.items(), key=lambda item: -item[1][0])
        return WeightOptions(
            {kind: weight for kind, (weight, _) in ordered},
            {kind: parallel for kind, (_, parallel) in ordered},
        )

    def plan(
        self, solution: Solution, context: PlanContext[WeightOptions]
    ) -> Sequence[PlannedAction]:
        """The ordered actions with their dependencies."""
        return _Ordering(context.options, context.placement).plan(solution.actions)


class _Ordering:
    def __init__(self, options: WeightOptions, placement: PlacementPolicy) -> None:
        self._options = options
        self._limits = placement.limits
        self._one_per_destination = placement.numa_certain

    def plan(self, actions: Sequence[ProposedAction]) -> Sequence[PlannedAction]:
        ordered = self._ordered(actions)
        services: dict[tuple[object, object], int] = {}
        leaving: dict[object, list[int]] = defaultdict(list)
        planned: list[PlannedAction] = []
        barrier: tuple[int, ...] = ()
        for chunk in self._chunks(ordered):
            first = len(planned)
            for place, action in enumerate(chunk, start=first):
                required = _required(action, services, leaving)
                planned.append(PlannedAction(action, barrier, required))
                if action.type == CHANGE_SERVICE_STATE:
                    services[_host_and_state(action)] = place
                elif action.type == MIGRATE:
                    leaving[action.parameters.get("source_node")].append(place)
            barrier = tuple(range(first, len(planned)))
        return planned

    def _ordered(self, actions: Sequence[ProposedAction]) -> list[ProposedAction]:
        """Heaviest first; a disabling that comes after moves off its host behind the last one."""
        deferred = _after_their_moves(actions)
        behind: dict[int, list[ProposedAction]] = defaultdict(list)
        for at, last in deferred.items():
            behind[last].append(actions[at])
        others = [at for at in range(len(actions)) if at not in deferred]
        by_weight = sorted(others, key=lambda at: -self._weight(actions[at]))
        return [one for at in by_weight for one in (actions[at], *behind[at])]

    def _chunks(self, ordered: Sequence[ProposedAction]) -> Iterator[list[ProposedAction]]:
        chunk: list[ProposedAction] = []
        for action in ordered:
            if chunk and self._full(chunk, action):
                yield chunk
                chunk = []
            chunk.append(action)
        if chunk:
            yield chunk

    def _full(self, chunk: list[ProposedAction], action: ProposedAction) -> bool:
        allowed = self._options.parallelization.get(action.type, UNKNOWN_PARALLELIZATION)
        if chunk[0].type != action.type or len(chunk) >= max(1, allowed):
            return True
        if action.type == MIGRATE and self._exceeds_limits(chunk, action):
            return True
        return any(self._collide(before, action) for before in chunk)

    def _collide(self, before: ProposedAction, after: ProposedAction) -> bool:
        if before.resource_id and before.resource_id == after.resource_id:
            return True
        if self._one_per_destination and _destination(before) == _destination(after) is not None:
            return True
        return _leads_into(before, after) or _leads_into(after, before)

    def _exceeds_limits(self, chunk: list[ProposedAction], action: ProposedAction) -> bool:
        total, per_host = self._limits.total, self._limits.per_host
        if total is not None and len(chunk) >= total:
            return True
        if per_host is None:
            return False
        busy = Counter(host for before in chunk for host in _ends(before))
        return any(busy[host] >= per_host for host in _ends(action))

    def _weight(self, action: ProposedAction) -> int:
        return self._options.weights.get(action.type, UNKNOWN_WEIGHT)


def _ends(move: ProposedAction) -> set[object]:
    return {move.parameters.get("source_node"), _destination(move)} - {None}


def _destination(action: ProposedAction) -> object:
    return action.parameters.get("destination_node")


def _leads_into(one: ProposedAction, other: ProposedAction) -> bool:
    return _destination(one) == other.parameters.get("source_node") is not None


def _after_their_moves(actions: Sequence[ProposedAction]) -> dict[int, int]:
    """Disablings that the solution lists after moves off their hosts → the last of these moves."""
    left: dict[object, int] = {}
    found: dict[int, int] = {}
    for at, action in enumerate(actions):
        if action.type == MIGRATE:
            left[action.parameters.get("source_node")] = at
        elif _disables(action) and action.parameters.get("resource_name") in left:
            found[at] = left[action.parameters.get("resource_name")]
    return found


def _required(
    action: ProposedAction,
    services: Mapping[tuple[object, object], int],
    leaving: Mapping[object, Sequence[int]],
) -> tuple[int, ...]:
    """What must have succeeded.

    A move requires that its destination was enabled, switching off that the host was disabled, a
    disabling that all servers left the host.

    Args:
        action: the action.
        services: (host, state) → place of the action that gives its service this state.
        leaving: host → places of the moves off it.
    """
    if _disables(action):
        return tuple(leaving.get(action.parameters.get("resource_name"), ()))
    place = None
    if action.type == MIGRATE:
        place = services.get((_destination(action), "enabled"))
    elif action.type == CHANGE_POWER_STATE:
        host, state = _host_and_state(action)
        place = services.get((host, "disabled")) if state == "off" else None
    return () if place is None else (place,)


def _disables(action: ProposedAction) -> bool:
    return action.type == CHANGE_SERVICE_STATE and action.parameters.get("state") == "disabled"


def _host_and_state(action: ProposedAction) -> tuple[object, object]:
    return action.parameters.get("resource_name"), action.parameters.get("state")


def _whole(option: str, values: Mapping[str, object]) -> dict[str, int]:
    return {kind: _number(f"{option}[{kind}]", value) for kind, value in values.items()}


def _number(option: str, value: object) -> int:
    try:
        number = float(str(value))
    except ValueError:
        number = 0.5
    if isinstance(value, bool) or number % 1:
        raise InvalidValue(option, f"must be a whole number, not {value!r}")
    return int(number)
