"""The hosts of a plan at any moment of it: the recorded model with the actions executed so far."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from application.records.decision import DecisionRecord
from application.replay.executed_actions import ExecutedAction
from application.replay.model_after import ModelAfter
from domain.cluster.compute.model import ComputeModel
from domain.plans.action_types.declaration import ActionType


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


class HostMap:
    """The hosts of a plan.

    Args:
        record: the decision record of the plan.
        actions: the executed ones of the plan, in order.
        action_types: the installed ones; they say what an action does.
    """

    def __init__(
        self,
        record: DecisionRecord,
        actions: Iterable[ExecutedAction],
        action_types: Mapping[str, ActionType],
    ) -> None:
        self._types = action_types
        start = ModelAfter(ComputeModel.from_columns(record.model), action_types)
        start.replay(record.start)
        self._start = start.model()
        after = ModelAfter(self._start, action_types)
        found = [(one, hosts) for one in actions if (hosts := after.add(one))]
        self._actions = [one for one, _ in found]
        self._changed = [hosts for _, hosts in found]
        self._positions = [one.position for one in self._actions]
        self._planned = frozenset[int]().union(*self._changed)

    @property
    def resources(self) -> list[str]:
        """The resources that hosts have: vcpus, memory_mb, …."""
        model = self._start
        return [
            name
            for name, limits in zip(model.resources, model.capacity, strict=True)
            if any(map(_is_usable, limits))
        ]

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
        after = ModelAfter(self._start, self._types)
        for action in self._actions[:done]:
            after.add(action)
        is_now = done and self._positions[done - 1] == position
        changed = self._changed[done - 1] if is_now else frozenset[int]()
        start, model, hosts = self._start, after.model(), self._start.hosts
        before, now = _parts(start, resource), _parts(model, resource)
        in_service = model.enabled & model.up
        bars = [
            HostBar(
                hosts.name[place],
                hosts.zone[place],
                before[place],
                now[place],
                int(start.servers_per_host[place]),
                int(model.servers_per_host[place]),
                bool(in_service[place]),
                place in changed,
                place in self._planned,
            )
            for place in range(len(hosts))
        ]
        return sorted(bars, key=lambda bar: (bar.zone, bar.name))


def _parts(model: ComputeModel, resource: str) -> list[float]:
    """The part of each host's capacity that is allocated; 0 of one without limit."""
    row = model.resources.index(resource)
    amounts = model.allocated[row] + model.foreign_allocated[row]
    pairs = zip(amounts, model.capacity[row], strict=True)
    return [float(used / limit) if _is_usable(limit) else 0.0 for used, limit in pairs]


def _is_usable(limit: float) -> bool:
    return isfinite(limit) and limit > 0
