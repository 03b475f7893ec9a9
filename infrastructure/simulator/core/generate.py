"""A cluster from a seed: mixed hosts, skewed load, and the odd cases that rehearsals need."""

import bisect
import itertools
import math
import random
import uuid
from dataclasses import dataclass

from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.model import (
    PAUSED,
    STOPPED,
    Cluster,
    Flavor,
    Host,
    HostAggregate,
    Resources,
    Server,
    ServerGroup,
    ServerLoad,
)
from infrastructure.simulator.core.people import ADMIN, ADMIN_PROJECT, DEMO, DEMO_PROJECT

# name, vCPU, RAM GiB, disk GB, weight
_FLAVORS = (
    ("c1r2", 1, 2, 20, 30),
    ("c2r4", 2, 4, 40, 26),
    ("c4r8", 4, 8, 80, 24),
    ("c8r16", 8, 16, 160, 12),
    ("c4r32", 4, 32, 160, 5),
    ("c16r64", 16, 64, 320, 3),
)
# vCPU, RAM GiB, disk GB, weight
_HOST_SIZES = ((32, 128, 2000, 40), (64, 256, 4000, 40), (96, 512, 8000, 20))

_EMPTY_SHARE = 0.07  # hosts that start without a server
_HOT_HOST_SHARE = 0.2  # hosts that attract the hot servers
_HOT_SERVER_SHARE = 0.18
_PINNED_SHARE = 0.05  # servers that asked for their zone
_STOPPED_SHARE = 0.03
_GROUP_SHAPES = (
    ("affinity", 2),
    ("anti-affinity", 3),
    ("soft-affinity", 3),
    ("soft-anti-affinity", 3),
)
_TRIES = 60


@dataclass(frozen=True)
class _Wish:
    flavor: int
    hot: bool
    cpu: float  # share of its own vCPUs
    ram: float  # share of its own memory


class _Maker:
    def __init__(self, hosts: int, servers: int, seed: int, clock: SimulatedClock) -> None:
        self.random = random.Random(f"vigil-simulator:{hosts}:{servers}:{seed}")  # noqa: S311
        self.count, self.wanted, self.seed = hosts, servers, seed
        self.born = clock.now()

    def uid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def flavors(self) -> list[Flavor]:
        return [
            Flavor(id=self.uid(), number=n, name=f[0], vcpus=f[1], ram_mb=f[2] * 1024, disk_gb=f[3])
            for n, f in enumerate(_FLAVORS, 1)
        ]

    def zones(self) -> list[str]:
        return ["az-1", "az-2"] if self.count < 24 else ["az-1", "az-2", "az-3"]  # noqa: PLR2004

    def hosts(self) -> list[Host]:
        weights = [size[3] for size in _HOST_SIZES]
        zones = self.zones()
        made = []
        for i in range(self.count):
            vcpus, ram, disk, _ = self.random.choices(_HOST_SIZES, weights)[0]
            made.append(
                Host(
                    id=self.uid(),
                    service_id=self.uid(),
                    number=i + 1,
                    name=f"compute-{i + 1:05d}",
                    vcpus=vcpus,
                    ram_mb=ram * 1024,
                    disk_gb=disk,
                    zone=zones[i * len(zones) // self.count],
                    changed_at=self.born,
                    base_cores=round(self.random.uniform(0.3, 0.8), 3),
                    base_ram_mb=float(self.random.randrange(1500, 3000)),
                )
            )
        return made

    def aggregates(self, hosts: list[Host]) -> list[HostAggregate]:
        made = []
        for zone in self.zones():
            members = [h.name for h in hosts if h.zone == zone]
            made.append(self._aggregate(f"zone-{zone}", members, {"availability_zone": zone}))
        big = [h.name for h in hosts if h.vcpus > 64]  # noqa: PLR2004 - the largest size
        made.append(self._aggregate("large-hosts", big, {"size": "large"}))
        for number, aggregate in enumerate(made, 1):
            aggregate.id = number
        return made

    def _aggregate(self, name: str, hosts: list[str], metadata: dict[str, str]) -> HostAggregate:
        return HostAggregate(
            id=0, uuid=self.uid(), name=name, hosts=hosts, metadata=metadata, created=self.born
        )

    def wishes(self) -> list[_Wish]:
        weights = [f[4] for f in _FLAVORS]
        made = []
        for _ in range(self.wanted):
            flavor = self.random.choices(range(len(_FLAVORS)), weights)[0]
            hot = self.random.random() < _HOT_SERVER_SHARE
            cpu = self.random.betavariate(8, 2) if hot else self.random.betavariate(1.4, 9)
            made.append(_Wish(flavor, hot, cpu, self.random.betavariate(5, 2.5)))
        return made

    def load(self, wish: _Wish, flavor: Flavor) -> ServerLoad:
        cores = round(wish.cpu * flavor.vcpus, 4)
        return ServerLoad(
            cores=cores,
            swing=round(min(0.15 * cores, flavor.vcpus - cores), 4),
            period=round(self.random.uniform(1800, 7200), 1),
            phase=round(self.random.uniform(0, 2 * math.pi), 4),
            ram_mb=round(wish.ram * flavor.ram_mb, 1),
        )

    def place(self, wishes: list[_Wish], hosts: list[Host]) -> list[int]:
        """The host of each server, big servers first, so that the packing always finds a host."""
        index = list(range(self.count))
        self.random.shuffle(index)
        empty = set(index[: max(1, round(self.count * _EMPTY_SHARE))] if self.count > 1 else [])
        rest = [i for i in index if i not in empty]
        hot = set(rest[: max(1, round(self.count * _HOT_HOST_SHARE))])
        base = [
            0.0 if i in empty else h.vcpus * self.random.gammavariate(2.0, 0.5)
            for i, h in enumerate(hosts)
        ]
        cold_sums = list(itertools.accumulate(base))
        hot_sums = list(
            itertools.accumulate(w * (6.0 if i in hot else 0.3) for i, w in enumerate(base))
        )
        room = [list(h.capacity) for h in hosts]
        placed = [0] * len(wishes)
        order = sorted(range(len(wishes)), key=lambda k: (-_FLAVORS[wishes[k].flavor][2], k))
        for k in order:
            _, vcpus, ram, disk, _ = _FLAVORS[wishes[k].flavor]
            need = (vcpus, ram * 1024, disk)
            j = self._pick(hot_sums if wishes[k].hot else cold_sums, room, need)
            if j is None:
                raise ValueError(f"{self.count} hosts are too small for {self.wanted} servers")
            placed[k] = j
            room[j] = [left - n for left, n in zip(room[j], need, strict=True)]
        return placed

    def _pick(self, sums: list[float], room: list[list[float]], need: Resources) -> int | None:
        def fits(j: int) -> bool:
            return all(n <= left for n, left in zip(need, room[j], strict=True))

        for _ in range(_TRIES):
            j = bisect.bisect(sums, self.random.random() * sums[-1])
            if j < len(room) and fits(j):
                return j
        return next((j for j in range(len(room)) if fits(j)), None)

    def servers(self, flavors: list[Flavor], hosts: list[Host]) -> list[Server]:
        wishes = self.wishes()
        placed = self.place(wishes, hosts)
        made = []
        for k, wish in enumerate(wishes):
            flavor, host = flavors[wish.flavor], hosts[placed[k]]
            demo = k % 25 == 7  # noqa: PLR2004 - a handful belong to a plain project
            owner, project = (DEMO, DEMO_PROJECT) if demo else (ADMIN, ADMIN_PROJECT)
            born = self.born - 86400.0 + k
            made.append(
                Server(
                    id=self.uid(),
                    number=k + 1,
                    name=f"vm-{k + 1:06d}",
                    host=host.name,
                    flavor=flavor.id,
                    project_id=project.id,
                    user_id=owner.id,
                    created=born,
                    updated=born,
                    load=self.load(wish, flavor),
                    pinned_zone=host.zone if self.random.random() < _PINNED_SHARE else None,
                    metadata={"tier": self.random.choice(("web", "app", "db"))},
                )
            )
        self._oddities(made)
        return made

    def _oddities(self, servers: list[Server]) -> None:
        """A few stopped servers, one paused and one locked."""
        odd = self.random.sample(servers, min(len(servers), max(3, self.stopped_count() + 2)))
        for server in odd[2:]:
            server.vm_state = STOPPED
        if odd:
            odd[0].locked, odd[0].locked_reason = True, "do not touch"
        if len(odd) > 1:
            odd[1].vm_state = PAUSED

    def stopped_count(self) -> int:
        return round(self.wanted * _STOPPED_SHARE)

    def groups(self, servers: list[Server]) -> list[ServerGroup]:
        """Groups whose hard policies hold from the start."""
        by_host: dict[str, list[Server]] = {}
        for server in servers:
            if server.pinned_zone is None and server.project_id == ADMIN_PROJECT.id:
                by_host.setdefault(server.host, []).append(server)
        made = []
        rounds = max(1, self.wanted // 150)
        for turn, (policy, size) in itertools.product(range(rounds), _GROUP_SHAPES):
            members = self._members(policy, size, by_host)
            if len(members) > 1:
                name = f"{policy}-{turn + 1}"
                made.append(self._group(name, policy, [m.id for m in members]))
        return made

    def _members(self, policy: str, size: int, by_host: dict[str, list[Server]]) -> list[Server]:
        names = sorted(name for name, left in by_host.items() if left)
        if policy == "affinity":
            names = [name for name in names if len(by_host[name]) >= size]
            chosen = [self.random.choice(names)] * size if names else []
        else:
            chosen = self.random.sample(names, min(size, len(names)))
        return [by_host[name].pop() for name in chosen]

    def _group(self, name: str, policy: str, members: list[str]) -> ServerGroup:
        return ServerGroup(
            id=self.uid(),
            name=name,
            policy=policy,
            members=members,
            project_id=ADMIN_PROJECT.id,
            user_id=ADMIN.id,
        )


def generate(  # noqa: D417 - `clock` dates the records
    hosts: int, servers: int, seed: int, clock: SimulatedClock, *, down_hosts: int = 0
) -> Cluster:
    """Make a cluster; the same numbers and seed make the same cluster (but for its dates).

    Args:
        hosts: number of hypervisors, at least 1.
        servers: number of servers.
        seed: any integer.
        down_hosts: hosts whose nova-compute is dead.
    """
    maker = _Maker(hosts, servers, seed, clock)
    flavors, nodes = maker.flavors(), maker.hosts()
    guests = maker.servers(flavors, nodes)
    _trouble(nodes, guests, down_hosts)
    return Cluster(
        seed=seed,
        flavors=flavors,
        hosts=nodes,
        servers=guests,
        groups=maker.groups(guests),
        aggregates=maker.aggregates(nodes),
    )


def _trouble(hosts: list[Host], servers: list[Server], down: int) -> None:
    """One disabled host, and as many dead ones as asked for, taken from the least used."""
    used = {s.host for s in servers}
    if len(hosts) > 3:  # noqa: PLR2004 - tiny clouds stay whole
        candidates = [h for h in reversed(hosts) if h.name in used] or hosts
        candidates[0].status, candidates[0].disabled_reason = "disabled", "planned maintenance"
    for host in [h for h in hosts if h.status == "enabled"][:down]:
        host.alive = False
