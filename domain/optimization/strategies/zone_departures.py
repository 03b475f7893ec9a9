"""The servers and the volumes that leave a zone, within the limits of a plan."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from domain.cluster.table.columns import BoolArray
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.draining import IN_FLIGHT, effect, emptiest, stays
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.volumes import VolumeMoves
from domain.optimization.context import StrategyContext
from domain.optimization.strategies.zone_migration_parameters import PoolEntry, ZoneParameters

LEAVES_ZONE = Reason(
    "leaves-zone",
    "moving {server} off {source} leaves {left} servers in the zone; {destination} goes from "
    "{before} to {after} % of its {resource}",
    left="number",
    before="% allocated",
    after="% allocated",
)
VOLUME_LEAVES_ZONE = Reason(
    "volume-leaves-zone",
    "moving {volume} ({size} GB) out of {source} leaves {left} volumes in the zone; {destination} "
    "goes from {before} to {after} % used",
    size="GB",
    left="number",
    before="%",
    after="%",
)
VOLUME_CHANGES_TYPE = Reason(
    "volume-changes-type",
    "{volume} ({size} GB) in {source} gets type {type} instead of {type_before}: {destination} is "
    "expected to go from {before} to {after} % used, and {left} volumes to be left in the zone",
    size="GB",
    left="number",
    before="%",
    after="%",
)
SOURCE_UNKNOWN = Reason(
    "source-unknown", "there is no {resource} {name} in the audit's scope; the plan goes without it"
)

HAS_TYPE: Final = "it has the type that it should get"


class Run:
    """What the plan holds so far, against its limits."""

    def __init__(self, context: StrategyContext[ZoneParameters]) -> None:
        self._context = context
        self._given = context.parameters
        self._taken: Counter[str] = Counter()
        self.planned = 0
        self.notes: list[Cause] = []

    def is_full(self, source: str, most: int) -> bool:
        """Whether the plan, or its part for a source, holds no more migrations."""
        return self.planned >= self._given.parallel_total or self._taken[source] >= most

    def take(self, source: str) -> None:
        """Counts a migration from a source."""
        self._taken[source] += 1
        self.planned += 1

    def known(self, names: Iterable[str], known: Mapping[str, int], resource: str) -> list[int]:
        """Indices of the sources that exist, with a remark about each other one."""
        found = []
        for name in names:
            if name in known:
                found.append(known[name])
            else:
                self.notes.append(Cause(SOURCE_UNKNOWN, {"resource": resource, "name": name}))
        return found


class Servers:
    """The servers on the zone's hosts."""

    def __init__(self, context: StrategyContext[ZoneParameters], run: Run) -> None:
        self._context = context
        self._given = context.parameters
        self._run = run
        self.moves = Moves(context)
        model = self._model = context.compute
        self._places = {name: place for place, name in enumerate(model.hosts.name)}
        for number, entry in enumerate(self._given.compute_nodes):
            _check(f"compute_nodes[{number}].dst_node", entry.dst_node, self._places, "host")
        hosts = run.known(self._given.hosts(), self._places, "host")
        self.zone: BoolArray = np.zeros(len(model.hosts), dtype=np.bool_)
        self.zone[hosts] = True
        self.all = [int(one) for host in hosts for one in self.moves.residents(host)]
        flying = context.in_flight()
        self._kept = {IN_FLIGHT: flying}
        movable = self.moves.rules.movable & ~flying
        self.targets = self._ordered([one for one in self.all if movable[one]])
        self.fixed = [one for one in self.all if not movable[one]]
        self.waiting: list[int] = []
        self.refused: list[int] = []
        self._moved: set[int] = set()
        self._tried: set[int] = set()

    def _ordered(self, servers: list[int]) -> list[int]:
        table = self._model.servers
        figures: dict[str, Callable[[int], object]] = {
            "vcpu_num": lambda one: -int(table.vcpus[one]),
            "mem_size": lambda one: -int(table.memory_mb[one]),
            "disk_size": lambda one: -int(table.disk_gb[one]),
            "created_at": lambda one: table.created_at[one],
        }
        names: dict[str, Callable[[int], str]] = {
            "project": lambda one: table.project_id[one],
            "compute_node": lambda one: self._model.hosts.name[int(table.host[one])],
        }
        return _by_priority(servers, self._given.priority, names, ("compute", figures))

    def plan(self, servers: Sequence[int]) -> None:
        """Moves servers while the plan has room; what finds no place is tried again."""
        left, before = [one for one in servers if one not in self._moved], -1
        while left and len(left) != before:
            before = len(left)
            left = [one for one in left if not self._leaves(one)]
        waits = {one for one in left if self._is_full(one) and one not in self._tried}
        self.waiting = [one for one in left if one in waits]
        self.refused = [one for one in left if one not in waits]

    def _is_full(self, server: int) -> bool:
        source = self._model.hosts.name[int(self._model.servers.host[server])]
        return self._run.is_full(f"host {source}", self._given.parallel_per_node)

    def _leaves(self, server: int) -> bool:
        if self._is_full(server) or not self._context.budget.spend():
            return False
        only = self._only(server)
        allowed = ~self.zone if only is None else np.arange(len(self.zone)) == only
        destination = emptiest(self.moves, server, allowed)
        self._tried.add(server)
        if destination is None:
            return False
        source = self._model.hosts.name[int(self._model.servers.host[server])]
        facts = effect(self.moves, server, destination)
        left = len(self.all) - len(self._moved) - 1
        self.moves.move(server, destination, LEAVES_ZONE, left=left, **facts)
        self._moved.add(server)
        self._run.take(f"host {source}")
        return True

    def _only(self, server: int) -> int | None:
        host = self._model.hosts.name[int(self._model.servers.host[server])]
        name = self._given.destination_of(host)
        return self._places[name] if name else None

    def explain(self) -> None:
        """Records why servers stay that do not wait for the next audit."""
        for server in (*self.refused, *self.fixed):
            unwanted = {"in the zone": self.zone}
            stays(self.moves, server, self._kept, unwanted, self._only(server))


class Volumes:
    """The volumes in the zone's pools."""

    def __init__(
        self, context: StrategyContext[ZoneParameters], run: Run, servers: Servers
    ) -> None:
        self._context = context
        self._given = context.parameters
        self._run = run
        self._servers = servers
        self.moves = VolumeMoves(context)
        model = self._model = self.moves.model
        types = {kind.name: place for place, kind in enumerate(model.types)}
        for number, entry in enumerate(self._given.storage_pools):
            field = f"storage_pools[{number}]"
            _check(f"{field}.dst_pool", entry.dst_pool, model.pool_places, "pool")
            _check(f"{field}.dst_type", entry.dst_type, types, "volume type")
        pools = run.known(self._given.pools(), model.pool_places, "pool")
        self.zone: BoolArray = np.zeros(len(model.pools), dtype=np.bool_)
        self.zone[pools] = True
        inside = np.flatnonzero(self.zone[model.volumes.pool])
        self.all = [int(one) for one in inside if self._entry(int(one)) is not None]
        movable = self.moves.rules.movable
        self.targets = self._ordered([one for one in self.all if movable[one]])
        self.fixed = [one for one in self.all if not movable[one]]
        self.moved: list[int] = []
        self._gone = 0
        self.waiting: list[int] = []
        self.refused: list[int] = []

    def _entry(self, volume: int) -> PoolEntry | None:
        volumes = self._model.volumes
        pool = self._model.pools.name[int(volumes.pool[volume])]
        return self._given.entry_of(pool, volumes.volume_type[volume])

    def _ordered(self, volumes: list[int]) -> list[int]:
        table = self._model.volumes
        figures: dict[str, Callable[[int], object]] = {
            "size": lambda one: -int(table.size_gb[one]),
            "created_at": lambda one: table.created_at[one],
        }
        names: dict[str, Callable[[int], str]] = {
            "project": lambda one: table.project_id[one],
            "storage_pool": lambda one: self._model.pools.name[int(table.pool[one])],
        }
        return _by_priority(volumes, self._given.priority, names, ("storage", figures))

    def plan(self) -> None:
        """Moves or retypes volumes while the plan has room, with their servers if so requested."""
        places = self._context.compute.server_places
        for volume in self.targets:
            source = self._model.pools.name[int(self._model.volumes.pool[volume])]
            if self._run.is_full(f"pool {source}", self._given.parallel_per_pool):
                self.waiting.append(volume)
            elif not self._leaves(volume):
                self.refused.append(volume)
            else:
                self.moved.append(volume)
                self._run.take(f"pool {source}")
                if self._given.with_attached_volume:
                    attached = {places.get(one) for one in self._model.volumes.servers[volume]}
                    self._servers.plan([one for one in self._servers.targets if one in attached])

    def _leaves(self, volume: int) -> bool:
        entry = self._entry(volume)
        if entry is None or not self._context.budget.spend():
            return False
        before = self._model.volumes.volume_type[volume]
        left = len(self.all) - self._gone - 1
        if entry.dst_type in ("", before):
            only = self._only(entry)
            if only is None or not self.moves.explain(volume).legal[only]:
                return False
            self.moves.move(volume, only, VOLUME_LEAVES_ZONE, left=left)
            self._gone += 1
            return True
        pool = self._pool_of_type(volume, entry.dst_type)
        if pool is None:
            return False
        inside = bool(self.zone[pool])
        facts = {"type_before": before or "none", "left": left + inside}
        self.moves.retype(volume, entry.dst_type, pool, VOLUME_CHANGES_TYPE, **facts)
        self._gone += not inside
        return True

    def _pool_of_type(self, volume: int, kind: str) -> int | None:
        """Where Cinder is expected to put a volume: in its pool if it may, else the emptiest."""
        own = int(self._model.volumes.pool[volume])
        if self.moves.rules.of_type(kind)[own]:
            return own
        legal = np.flatnonzero(self.moves.explain(volume, kind).legal & ~self.zone)
        if not len(legal):
            return None
        return int(legal[np.argmax(self.moves.branch.free_gb[legal])])

    def _only(self, entry: PoolEntry) -> int | None:
        return self._model.pool_places[entry.dst_pool] if entry.dst_pool else None

    def explain(self) -> None:
        """Records why volumes stay that do not wait for the next audit."""
        for volume in (*self.refused, *self.fixed):
            entry = self._entry(volume) or PoolEntry()
            has = entry.dst_type == self._model.volumes.volume_type[volume]
            self.moves.stays(
                volume,
                kind=entry.dst_type or None,
                only=self._only(entry),
                said=HAS_TYPE if entry.dst_type and has else "",
                unwanted={"in the zone": self.zone},
            )


def _by_priority(
    items: list[int],
    priority: Mapping[str, tuple[str, ...] | str],
    names: Mapping[str, Callable[[int], str]],
    figures: tuple[str, Mapping[str, Callable[[int], object]]],
) -> list[int]:
    """Items in the order of the priority: each key sorts stably, the last one first."""
    for key in reversed(list(priority)):
        wanted = priority[key]
        if key in names and not isinstance(wanted, str):
            rank = {name: place for place, name in reversed(list(enumerate(wanted)))}
            name_of = names[key]
            items.sort(key=lambda one: rank.get(name_of(one), len(rank)))
        elif key == figures[0] and isinstance(wanted, str):
            items.sort(key=figures[1][wanted])  # type: ignore[arg-type]
    return items


def _check(parameter: str, name: str, known: Mapping[str, int], resource: str) -> None:
    if name and name not in known:
        rule = f"must name a {resource} in the audit's scope, which {name!r} is not"
        raise InvalidValue(parameter, rule)
