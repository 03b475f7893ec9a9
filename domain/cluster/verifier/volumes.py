"""Checks the volumes of a plan, in plain Python, at every prefix that its edges allow.

It shares no code with ``volume_rules``; the names of the rules are those of docs/constraints.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.cluster.verifier.plan import Order, Violation

UNKNOWN: Final = -1


@dataclass(frozen=True)
class CheckedVolume:
    """The part of an action that concerns a volume.

    Attributes:
        place: index of the action in the plan.
        volume: id.
        pool: name of the destination; empty if Cinder chooses it.
        kind: name of the type that the volume gets; empty: it keeps its own.
    """

    place: int
    volume: str
    pool: str
    kind: str


OfVolume = Mapping[str, Sequence[CheckedVolume]]
"""Volume → the actions on it, in the order of the plan."""


@dataclass(frozen=True)
class _Situation:
    """A volume before an action of it; ``pool``: its index, UNKNOWN if Cinder chose it."""

    pool: int
    kind: str


class VolumeVerifier:
    """The storage of a cloud before a plan.

    Args:
        storage: the model.
        compute: tells the states of the servers that volumes are attached to.
        start: steps that are done before the plan.
    """

    def __init__(
        self, storage: StorageModel, compute: ComputeModel, start: Sequence[LoggedStep] = ()
    ) -> None:
        self._storage = storage
        self._compute = compute
        self._pools = {name: place for place, name in enumerate(storage.pools.name)}
        self._volumes = {name: place for place, name in enumerate(storage.volumes.id)}
        self._backends = {kind.name: kind.backend_name for kind in storage.types}
        self._at = {name: int(storage.volumes.pool[at]) for name, at in self._volumes.items()}
        self._kinds = {name: storage.volumes.volume_type[at] for name, at in self._volumes.items()}
        self._free = [float(free) for free in storage.pools.virtual_free_gb]
        for verb, subject, *to in start:
            if verb == "move-volume":
                size, pool = self._size(str(subject)), self._pools[str(to[0])]
                self._free[self._at[str(subject)]] += size
                self._free[pool] -= size
                self._at[str(subject)] = pool
            elif verb == "retype":
                self._kinds[str(subject)] = str(to[0])

    def check(
        self, actions: Sequence[CheckedVolume], order: Order, subjects: Sequence[str]
    ) -> list[Violation]:
        """The violations of a plan, each action in its worst case.

        All ancestors of the action are done. Every action that is ordered neither before nor after
        it is in progress: a volume that is being moved occupies its old pool and its new one. What
        Cinder may put into several pools is counted in none of them.

        Args:
            actions: those that concern volumes.
            order: of the whole plan.
            subjects: ids of what the actions of the whole plan act on.
        """
        found = []
        of_volume: dict[str, list[CheckedVolume]] = {}
        for action in actions:
            of_volume.setdefault(action.volume, []).append(action)
        for action in actions:
            rules = self._broken(action, of_volume, order, subjects)
            found += [Violation(action.place, UNKNOWN, UNKNOWN, rule) for rule in sorted(rules)]
        return found

    def _broken(
        self,
        action: CheckedVolume,
        of_volume: OfVolume,
        order: Order,
        subjects: Sequence[str],
    ) -> set[str]:
        if action.volume not in self._volumes or (action.pool and action.pool not in self._pools):
            return {"Known"}
        now = self._situation(action, of_volume, order)
        found = self._fixed(action, now, order, subjects)
        kind = action.kind or now.kind
        free = self._room(action, of_volume, order)
        if action.pool:
            return found | self._refusals(action.volume, self._pools[action.pool], now, kind, free)
        if now.pool != UNKNOWN and self._offers(now.pool, kind):
            return found  # it is changed where it is
        choices = [
            self._refusals(action.volume, pool, now, kind, free) for pool in self._pools.values()
        ]
        return found | min(choices, key=len, default=set())

    def _situation(self, action: CheckedVolume, of_volume: OfVolume, order: Order) -> _Situation:
        pool, kind = self._at[action.volume], self._kinds[action.volume]
        for other in of_volume[action.volume]:
            if order.is_before(other.place, action.place):
                pool = self._destination(other, pool)
                kind = other.kind or kind
        return _Situation(pool, kind)

    def _destination(self, action: CheckedVolume, source: int) -> int:
        """Where a volume is after an action."""
        if action.pool:
            return self._pools.get(action.pool, UNKNOWN)
        if source != UNKNOWN and self._offers(source, action.kind):
            return source
        offering = [pool for pool in self._pools.values() if self._may(action, pool)]
        return offering[0] if len(offering) == 1 else UNKNOWN

    def _may(self, action: CheckedVolume, pool: int) -> bool:
        """Whether Cinder may choose a pool, without regard to its free capacity."""
        now = _Situation(UNKNOWN, action.kind)
        rules = self._refusals(action.volume, pool, now, action.kind, self._free)
        return not rules - {"PoolCapacity"}

    def _fixed(
        self, action: CheckedVolume, now: _Situation, order: Order, subjects: Sequence[str]
    ) -> set[str]:
        """Rules on the volume itself, wherever it goes."""
        volumes, at = self._storage.volumes, self._volumes[action.volume]
        servers, found = volumes.servers[at], set[str]()
        busy = {*servers, action.volume}
        if volumes.status[at] not in {"available", "in-use"}:
            found.add("VolumeState")
        if volumes.migration_status[at].lower() not in {"", "none", "success"}:
            found.add("VolumeState")
        if volumes.snapshots[at] > 0:
            found.add("VolumeSnapshots")
        if len(servers) > 1 or not all(self._is_running(server) for server in servers):
            found.add("VolumeAttachments")
        if now.pool != UNKNOWN and not self._is_up(now.pool):
            found.add("SourceBackendUp")
        if any(
            one in busy and order.may_overlap(at, action.place) for at, one in enumerate(subjects)
        ):
            found.add("OneAtATime")
        return found

    def _is_running(self, server: str) -> bool:
        """Whether volumes of a server can be copied; a server that is not in the model may be."""
        places = self._compute.server_places
        if server not in places:
            return True
        return self._compute.servers.state[places[server]] in {"active", "paused"}

    def _room(self, action: CheckedVolume, of_volume: OfVolume, order: Order) -> list[float]:
        """GB free in each pool for a volume when its action starts."""
        free = list(self._free)
        for volume, others in of_volume.items():
            if volume == action.volume or volume not in self._volumes:
                continue
            at, held = self._at[volume], {self._at[volume]}
            for other in others:
                to = self._destination(other, at)
                if order.is_before(other.place, action.place):
                    at, held = to, {to}
                elif order.may_overlap(other.place, action.place):
                    held.add(to)
            size = self._size(volume)
            if self._at[volume] not in held:
                free[self._at[volume]] += size
            for pool in held - {self._at[volume], UNKNOWN}:
                free[pool] -= size
        return free

    def _refusals(
        self, volume: str, pool: int, now: _Situation, kind: str, free: Sequence[float]
    ) -> set[str]:
        """Rules that forbid a volume a pool."""
        storage, node = self._storage, int(self._storage.pools.node[pool])
        zone, own = storage.volumes.zone[self._volumes[volume]], storage.nodes.zone[node]
        found = set[str]()
        if pool == now.pool:
            found.add("NotCurrentPool")
        if not self._is_up(pool):
            found.add("BackendUp")
        if storage.nodes.status[node] != "enabled":
            found.add("BackendEnabled")
        if zone and own and zone != own:
            found.add("PoolZone")
        if not self._offers(pool, kind):
            found.add("PoolOfType")
        if isnan(free[pool]) or self._size(volume) > free[pool]:
            found.add("PoolCapacity")
        return found

    def _offers(self, pool: int, kind: str) -> bool:
        wanted = self._backends.get(kind)
        if wanted is None:
            return True
        named = self._storage.pools.backend_name[pool]
        node = int(self._storage.pools.node[pool])
        return named == wanted if named else kind in self._storage.nodes.volume_types[node]

    def _is_up(self, pool: int) -> bool:
        return self._storage.nodes.state[int(self._storage.pools.node[pool])] == "up"

    def _size(self, volume: str) -> int:
        return int(self._storage.volumes.size_gb[self._volumes[volume]])
