"""What each action of a solution has to wait for, so that any order that the edges allow is legal.

The moves of a solution are legal one after the other. A move may start before those that the
solution lists before it, unless it needs one of them:

* room: the moves off its destination that make the room which it lacks;
* a host that is enabled or switched on for it, or that is disabled before it is emptied;
* the members of its server groups, one after the other, as resizes of them do;
* every move to or off its destination, if it needs NUMA cells there that are known, or if its
  server left that host before;
* the same server.

A host is disabled, or switched off, after all moves off it and to it that come before.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

import numpy as np

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.groups import AFFINITY, ANTI_AFFINITY, GroupIndex
from domain.cluster.table.columns import FloatArray
from domain.kernel.options import O
from domain.optimization.context import PlanContext
from domain.plans.action_types import (
    CHANGE_POWER_STATE,
    CHANGE_SERVICE_STATE,
    MIGRATE,
    RESIZE,
)
from domain.plans.proposal import PlannedAction, ProposedAction

MAX_EDGES = 10_000
"""Between two groups of actions of which each one of the second waits for all of the first."""
_SWITCHES = {CHANGE_SERVICE_STATE: ("disabled", "enabled"), CHANGE_POWER_STATE: ("off", "on")}
"""Action type → its states that close a host, and that open it."""


@dataclass
class Needs:
    """What an action waits for.

    Attributes:
        after: places of the actions that must have ended.
        requires: those of them that must have succeeded.
    """

    after: set[int] = field(default_factory=set)
    requires: set[int] = field(default_factory=set)

    def add(self, places: Sequence[int], *, required: bool = False) -> None:
        """Adds some actions."""
        self.after.update(places)
        if required:
            self.requires.update(places)

    def planned(self, action: ProposedAction, further: Sequence[int] = ()) -> PlannedAction:
        """The action with its edges. ``further``: more actions that must have ended."""
        parents = self.after.union(further)
        return PlannedAction(action, tuple(sorted(parents)), tuple(sorted(self.requires)))


def source(action: ProposedAction) -> str | None:
    """The host that an action moves a server off, if it does."""
    return str(action.parameters.get("source_node")) if action.type == MIGRATE else None


def destination(action: ProposedAction) -> str | None:
    """The host that an action moves a server to; None if it does not, or if Nova chooses it."""
    named = action.parameters.get("destination_node") if action.type == MIGRATE else None
    return str(named) if named else None


def switched(action: ProposedAction, *, on: bool) -> str | None:
    """The host that an action enables or switches on (or off, or disables), if it does."""
    states = _SWITCHES.get(action.type)
    if states is None or action.parameters.get("state") != states[on]:
        return None
    return str(action.parameters.get("resource_name") or action.resource_id)


def dependencies(
    actions: Sequence[ProposedAction], context: PlanContext[O], load: MeasuredLoad | None
) -> list[Needs]:
    """What each action waits for.

    Args:
        actions: in an order in which they can be executed one after the other.
        context: of the planner.
        load: measured use that the plan is to respect.
    """
    found = _Dependencies(context, load)
    return [found.add(place, action) for place, action in enumerate(actions)]


class Room(Generic[O]):
    """The use of each host, while moves are made one after the other.

    Attributes:
        branch: the model before the first move.
        amounts: float64[rows, hosts], as of a branch.
    """

    def __init__(self, context: PlanContext[O], load: MeasuredLoad | None) -> None:
        self.branch = Branch(context.compute, load, context.storage)
        self.branch.replay(context.start)
        self.amounts: FloatArray = self.branch.amounts.copy()
        self._servers = context.compute.server_places
        self._hosts = context.compute.host_places

    def ends(self, action: ProposedAction) -> tuple[int, int, int] | None:
        """(server, source, destination) of a move; None if the model lacks one of them."""
        server = self._servers.get(action.resource_id)
        at, to = self._hosts.get(source(action) or ""), self._hosts.get(destination(action) or "")
        return None if server is None or at is None or to is None else (server, at, to)

    def fits(self, action: ProposedAction) -> bool:
        """Whether the destination has room for the server of a move now."""
        ends = self.ends(action)
        return ends is None or self.has_room(ends[0], ends[2])

    def has_room(self, server: int, host: int) -> bool:
        """Whether a host lacks nothing that a server needs."""
        amounts, limits = self.amounts[:, host].tolist(), self.branch.limits[:, host].tolist()
        rows = zip(self.branch.needs[server].tolist(), amounts, limits, strict=True)
        return all(not need or amount + need <= limit for need, amount, limit in rows)

    def lacking(self, server: int, host: int) -> FloatArray:
        """float64[rows]: what a host lacks for a server; 0 of what it does not need."""
        need = self.branch.needs[server]
        short: FloatArray = self.amounts[:, host] + need - self.branch.limits[:, host]
        return np.where(need > 0, np.maximum(short, 0.0), 0.0)

    def server(self, action: ProposedAction) -> int | None:
        """The server of a move; None if the model lacks it."""
        return self._servers.get(action.resource_id)

    def needs_cells(self, server: int, host: int) -> bool:
        """Whether it depends on the servers on a host if a server finds NUMA cells there."""
        numa = self.branch.numa
        known = numa is not None and bool(numa.model.known[host])
        return known and self.branch.guest(server) is not None

    def move(self, action: ProposedAction) -> bool:
        """Moves a server if its destination has room for it now; returns whether it has."""
        ends = self.ends(action)
        if ends is None:
            return True
        server, at, to = ends
        if not self.has_room(server, to):
            return False
        self.amounts[:, to] += self.branch.needs[server]
        self.amounts[:, at] -= self.branch.needs[server]
        return True


class _Departures:
    """The moves off a host so far, and the room that they make and no other move counts on."""

    def __init__(self) -> None:
        self._left: dict[int, FloatArray] = {}

    def add(self, place: int, amount: FloatArray) -> None:
        """Adds a move.

        Args:
            place: of the move.
            amount: float64[rows], the room that it makes.
        """
        self._left[place] = amount.copy()

    def take(self, lacking: FloatArray) -> tuple[list[int], FloatArray]:
        """Some moves that make what is lacking, roughly the fewest, and what they made of it.

        Args:
            lacking: float64[rows].
        """
        rest, taken = lacking.copy(), list[int]()
        while np.any(rest > 0):
            offers = {place: _share(left, rest) for place, left in self._left.items()}
            best = max(offers, key=lambda place: offers[place], default=None)
            if best is None or offers[best] <= 0:
                break
            used = np.minimum(self._left[best], rest)
            self._left[best] -= used
            rest -= used
            taken.append(best)
        made: FloatArray = lacking - rest
        return taken, made


def _share(left: FloatArray, lacking: FloatArray) -> float:
    """What some room covers of what is lacking: 1 for each row that it covers."""
    rows = lacking > 0
    return float(np.sum(np.minimum(left[rows], lacking[rows]) / lacking[rows]))


@dataclass
class _Host:
    """What has been planned for a host so far; lists of places.

    Attributes:
        into, off: moves.
        enabling, disabling: actions that do so, or that switch it on, or off.
        alone: the last move that had to wait for all others; those to the host wait for it.
        departures: of what room is left.
        overload: row of an overloaded resource → the moves that end the overload.
    """

    into: list[int] = field(default_factory=list)
    off: list[int] = field(default_factory=list)
    enabling: list[int] = field(default_factory=list)
    disabling: list[int] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    departures: _Departures = field(default_factory=_Departures)
    overload: dict[int, list[int]] = field(default_factory=dict)


class _Dependencies(Generic[O]):
    """The dependencies of the actions so far."""

    def __init__(self, context: PlanContext[O], load: MeasuredLoad | None) -> None:
        self._room = Room(context, load)
        self._groups = GroupIndex(context.compute, context.placement.operator.groups())
        self._now: FloatArray = self._room.amounts.copy()
        self._left: set[tuple[int, int]] = set()
        self._hosts: dict[str, _Host] = defaultdict(_Host)
        self._last: dict[str, int] = {}
        self._moved: dict[int, list[tuple[int, ProposedAction]]] = defaultdict(list)

    def add(self, place: int, action: ProposedAction) -> Needs:
        """What an action waits for among those before it."""
        needs = Needs()
        if action.resource_id:
            needs.add([self._last[one] for one in (action.resource_id,) if one in self._last])
            self._last[action.resource_id] = place
        on, off = switched(action, on=True), switched(action, on=False)
        if action.type == MIGRATE:
            self._move(place, action, needs)
        elif on is not None:
            self._open(place, self._hosts[on], needs)
        elif off is not None:
            self._close(place, self._hosts[off], needs, off=action.type == CHANGE_POWER_STATE)
        elif action.type == RESIZE:  # Nova may move the server
            self._follow_groups(place, action, needs)
        return needs

    def _open(self, place: int, host: _Host, needs: Needs) -> None:
        needs.add([*host.enabling, *host.disabling])
        if host.disabling:
            needs.add([*host.into, *host.off])
        host.enabling.append(place)

    def _close(self, place: int, host: _Host, needs: Needs, *, off: bool) -> None:
        """A host is switched off only if it was disabled before."""
        needs.add([*host.enabling, *host.into])
        needs.add(host.disabling, required=off)
        needs.add(host.off, required=True)
        host.disabling.append(place)

    def _move(self, place: int, action: ProposedAction, needs: Needs) -> None:
        named = destination(action)
        at, to = self._hosts[source(action) or ""], self._hosts[named or ""]
        needs.add(at.disabling)
        if named is not None:
            needs.add(to.enabling, required=True)
            needs.add(to.alone)
            self._find_room(place, self._room.ends(action), at, to, needs)
            to.into.append(place)
        self._follow_groups(place, action, needs)
        at.off.append(place)

    def _find_room(
        self, place: int, ends: tuple[int, int, int] | None, off: _Host, to: _Host, needs: Needs
    ) -> None:
        if ends is None:  # its size is unknown
            needs.add(to.off, required=True)
            return
        server, at, host = ends
        need = self._room.branch.needs[server]
        is_alone = self._room.needs_cells(server, host) or (server, host) in self._left
        if is_alone or not self._take_room(server, host, to, needs):
            needs.add([*to.into, *to.off])
            to.alone, to.departures, to.overload = [place], _Departures(), {}
            self._room.amounts[:, host] = self._now[:, host]
        self._room.amounts[:, host] += need
        self._now[:, host] += need
        self._now[:, at] -= need
        self._left.add((server, at))
        off.departures.add(place, need)

    def _take_room(self, server: int, host: int, to: _Host, needs: Needs) -> bool:
        """Waits for the moves that make the room; returns False if they do not suffice."""
        if not to.overload and self._room.has_room(server, host):
            return True
        self._end_overload(server, host, to)
        for row in np.flatnonzero(self._room.branch.needs[server] > 0):
            needs.add(to.overload.get(int(row), ()), required=True)
        lacking = self._room.lacking(server, host)
        taken, made = to.departures.take(lacking)
        needs.add(taken, required=True)
        self._room.amounts[:, host] -= made
        return not np.any(lacking > made)

    def _end_overload(self, server: int, host: int, to: _Host) -> None:
        """Finds what must leave an overloaded host before a server may come that needs the row."""
        over = self._room.amounts[:, host] - self._room.branch.limits[:, host]
        for row in np.flatnonzero((over > 0) & (self._room.branch.needs[server] > 0)):
            if int(row) not in to.overload:
                lacking = np.zeros(len(over))
                lacking[row] = over[row]
                to.overload[int(row)], made = to.departures.take(lacking)
                self._room.amounts[:, host] -= made

    def _follow_groups(self, place: int, action: ProposedAction, needs: Needs) -> None:
        server, to = self._room.server(action), destination(action)
        for group in [] if server is None else self._groups.of_any(server):
            policy = self._groups.groups[group].policy
            for before, other in self._moved[group]:
                led = policy == AFFINITY and destination(other) == to
                left = policy == ANTI_AFFINITY and source(other) == to
                needs.add([before], required=to is not None and (led or left))
            self._moved[group].append((place, action))
