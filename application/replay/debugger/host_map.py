"""The hosts of a plan at any moment of it: the recorded model with the actions executed so far."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from application.ports.event_log import Entry, RecordedEvent
from application.records.decision import DecisionRecord
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import FloatArray
from domain.plans.action import ActionSpec
from domain.plans.action_types.declaration import ActionType, without_placement
from domain.plans.action_types.migrate import LANDED_ELSEWHERE
from domain.plans.events import ActionAdded, ActionFailed, ActionSucceeded, PlanProposed
from domain.plans.proposal import PlannedAction, ProposedAction


@dataclass(frozen=True)
class HostBar:
    """A host at a moment.

    Attributes:
        zone: its availability zone.
        before, now: part of its capacity that is allocated: when the run decided, at the moment.
        servers_before, servers: their number then and now.
        in_service: whether it is enabled and in operation.
        changed: by the event of the moment.
        planned: whether an executed action of the plan concerns it.
    """

    name: str
    zone: str
    before: float
    now: float
    servers_before: int
    servers: int
    in_service: bool
    changed: bool
    planned: bool


class _Effect(NamedTuple):
    """What an action did: to a server, with a host before and after, or to a host."""

    position: int
    kind: str
    server: int
    host: int


class HostMap:
    """The hosts of a plan.

    Args:
        record: the decision record of the plan.
        events: of the plan, in order.
        action_types: the installed ones; they say what an action does.
    """

    def __init__(
        self,
        record: DecisionRecord,
        events: Iterable[Entry],
        action_types: Mapping[str, ActionType],
    ) -> None:
        self._model = ComputeModel.from_columns(record.model)
        self._branch = Branch(self._model)
        self._branch.replay(one for one in record.start if str(one[0]) in _HOST_STEPS)
        self._before = self._branch.amounts.copy(), self._branch.count.copy()
        self._effects = [
            one for one in _effects(self._model, events, action_types) if one.kind != "other"
        ]
        self._positions = [one.position for one in self._effects]
        self._marks = [self._branch.mark()]
        self._touched: list[frozenset[int]] = []
        self._advance(len(self._effects))
        self._planned = frozenset[int]().union(*self._touched)

    @property
    def resources(self) -> list[str]:
        """The resources that hosts have: vcpus, memory_mb, …."""
        limits, names = self._branch.limits, enumerate(self._model.resources)
        return [name for row, name in names if any(map(_is_usable, limits[row]))]

    def neighbour(self, position: int, step: int) -> int | None:
        """The position of the next (1) or previous (-1) action that changed a host."""
        found = (
            bisect_right(self._positions, position)
            if step > 0
            else (bisect_left(self._positions, position) - 1)
        )
        return self._positions[found] if 0 <= found < len(self._positions) else None

    def progress(self, position: int) -> tuple[int, int]:
        """How many of the actions that changed hosts were executed, and how many there are."""
        return bisect_right(self._positions, position), len(self._positions)

    def at(self, position: int, resource: str) -> list[HostBar]:
        """The hosts after the event at a position, by zone and name.

        Args:
            position: of the log.
            resource: one of ``resources``.
        """
        done = bisect_right(self._positions, position)
        self._advance(done)
        changed = frozenset[int]()
        if done and self._positions[done - 1] == position:
            changed = self._touched[done - 1]
        branch, hosts = self._branch, self._model.hosts
        row = self._model.resources.index(resource)
        amounts, counts = self._before
        before, now = self._parts(row, amounts[row]), self._parts(row, branch.amounts[row])
        in_service = branch.enabled & branch.up
        bars = [
            HostBar(
                hosts.name[place],
                hosts.zone[place],
                before[place],
                now[place],
                int(counts[place]),
                int(branch.count[place]),
                bool(in_service[place]),
                place in changed,
                place in self._planned,
            )
            for place in range(len(hosts))
        ]
        return sorted(bars, key=lambda bar: (bar.zone, bar.name))

    def _parts(self, row: int, amounts: FloatArray) -> list[float]:
        """The part of each host's limit; 0 of one without limit."""
        pairs = zip(amounts, self._branch.limits[row], strict=True)
        return [float(used / limit) if _is_usable(limit) else 0.0 for used, limit in pairs]

    def _advance(self, count: int) -> None:
        """Brings the branch to the state after so many effects."""
        if count < len(self._marks) - 1:
            del self._marks[count + 1 :]
            self._branch.rollback(self._marks[-1])
        for effect in self._effects[len(self._marks) - 1 : count]:
            hosts = _apply(self._branch, effect)
            if len(self._touched) < len(self._marks):
                self._touched.append(hosts)
            self._marks.append(self._branch.mark())


_HOST_STEPS = frozenset(
    {"move", "resize", "start", "stop", "enable", "disable", "power-on", "power-off"}
)
"""Steps of a decision record that concern hosts."""


def _is_usable(limit: float) -> bool:
    return isfinite(limit) and limit > 0


def _apply(branch: Branch, effect: _Effect) -> frozenset[int]:
    """Applies an effect; returns the hosts that it concerns."""
    match effect.kind:
        case "move":
            source = int(branch.host_of[effect.server])
            if source == effect.host:
                return frozenset()
            branch.move(effect.server, effect.host)
            return frozenset((source, effect.host))
        case "enable" | "disable":
            branch.switch(effect.host, enabled=effect.kind == "enable")
        case "power-on" | "power-off":
            branch.power(effect.host, on=effect.kind == "power-on")
    return frozenset((effect.host,))


def _effects(
    model: ComputeModel, events: Iterable[Entry], action_types: Mapping[str, ActionType]
) -> Iterator[_Effect]:
    specs: dict[object, ActionSpec] = {}
    for entry in events:
        if not isinstance(entry, RecordedEvent):
            continue
        match entry.event:
            case PlanProposed(actions=actions):
                specs |= {one.id: one for one in actions}
            case ActionAdded(spec=spec):
                specs[spec.id] = spec
            case ActionSucceeded(action_id=action, facts=facts) if action in specs:
                yield _effect(model, entry.position, specs[action], facts, action_types)
            case ActionFailed(action_id=action, because=why) if (
                action in specs and why.reason == LANDED_ELSEWHERE
            ):
                yield _effect(model, entry.position, specs[action], why.facts, action_types)


def _effect(
    model: ComputeModel,
    position: int,
    spec: ActionSpec,
    facts: Mapping[str, object],
    action_types: Mapping[str, ActionType],
) -> _Effect:
    """What an action did, as its type declares it; the observed host counts, if one is known."""
    kind = action_types.get(spec.type)
    proposed = ProposedAction(
        spec.type, str(spec.parameters.get("resource_id", "")), spec.parameters, spec.because
    )
    checked = (without_placement if kind is None else kind.checked)(
        model, PlannedAction(proposed, ())
    )
    server, host = checked.server, checked.host
    at = model.host_places.get(str(facts.get("host")))
    if checked.kind == "move" and at is not None:
        host = at
    is_known = host >= 0 and (checked.kind != "move" or server >= 0)
    return _Effect(position, checked.kind if is_known else "other", server, host)
