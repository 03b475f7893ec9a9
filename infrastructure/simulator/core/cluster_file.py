"""A cluster from a JSON file: the neutral benchmark format and this simulator's superset.

docs/simulator.md describes both. The portable form has `hosts` and `instances` with sizes and mean
loads; the superset adds, all optional: `zones`, `aggregates`, `groups`, `flavors`, and on instances
`state`, `locked`, `metadata`, `pinned_zone`, on hosts `zone`, `disabled_reason`, `base_*` and
`other_allocations`.
"""

import json
import math
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.model import (
    Booking,
    Cluster,
    Flavor,
    Host,
    HostAggregate,
    Server,
    ServerGroup,
    ServerLoad,
)
from infrastructure.simulator.core.people import ADMIN, ADMIN_PROJECT
from infrastructure.text_files import read_text

_NAMESPACE = uuid.UUID("b7c0a6d2-21f3-5d1d-8b65-4c3a7a2f6e11")
_STATES = {"active": "active", "stopped": "stopped", "shutoff": "stopped", "paused": "paused"}
_UP = {"up": "up", "down": "down"}
_STATUSES = {"enabled": "enabled", "disabled": "disabled"}
_POLICIES = {
    one.replace("-", "_"): one
    for one in ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
}

Json = dict[str, Any]


def load_cluster(path: Path, clock: SimulatedClock) -> Cluster:
    """Read a cluster file.

    Raises:
        ValueError: when the file is not such a cluster; the message says where.
    """
    try:
        cluster = _Reader(json.loads(read_text(path)), clock).cluster()
        _check(cluster)
    except KeyError as missing:
        raise ValueError(f"{path.name}: missing key {missing}") from missing
    except ValueError as wrong:
        raise ValueError(f"{path.name}: {wrong}") from wrong
    return cluster


def _check(cluster: Cluster) -> None:
    hosts = {h.name for h in cluster.hosts}
    servers = {s.id for s in cluster.servers}
    if len(hosts) < len(cluster.hosts) or len(servers) < len(cluster.servers):
        raise ValueError("two hosts have the same name, or two instances the same id")
    for server in cluster.servers:
        if server.host not in hosts:
            raise ValueError(f"instance {server.id} is on {server.host}, which is no host")
    for group in cluster.groups:
        for member in sorted(set(group.members) - servers):
            raise ValueError(f"group {group.name} has the member {member}, which is no instance")
    for aggregate in cluster.aggregates:
        for host in sorted(set(aggregate.hosts) - hosts):
            raise ValueError(f"aggregate {aggregate.name} has {host}, which is no host")


def _flavor(server: Json) -> str:
    """The name of a server's flavor; one of its size if the file has none."""
    return server.get("flavor") or "{vcpus}-{ram_mb}-{disk_gb}".format_map(server)


class _Reader:
    def __init__(self, raw: Json, clock: SimulatedClock) -> None:
        self.raw, self.born = raw, clock.now()
        self.seed = int(raw.get("meta", {}).get("seed", 0))
        self.random = random.Random(f"vigil-cluster-file:{self.seed}")  # noqa: S311
        self.name_of = {h["id"]: h["name"] for h in raw["hosts"]}
        self.zone_of = {
            host: zone for zone, hosts in raw.get("zones", {}).items() for host in hosts
        }

    def cluster(self) -> Cluster:
        flavors = self._flavors()
        by_name = {f.name: f for f in flavors}
        return Cluster(
            seed=self.seed,
            flavors=flavors,
            hosts=[self._host(n, h) for n, h in enumerate(self.raw["hosts"], 1)],
            servers=[
                self._server(n, s, by_name[_flavor(s)])
                for n, s in enumerate(self.raw["instances"], 1)
            ],
            groups=[self._group(g) for g in self.raw.get("groups", [])],
            aggregates=self._aggregates(),
            bookings=[b for h in self.raw["hosts"] for b in self._bookings(h)],
        )

    def _flavors(self) -> list[Flavor]:
        given = {f["name"]: f for f in self.raw.get("flavors", [])}
        sizes = dict(given)
        for s in self.raw["instances"]:
            size = sizes.setdefault(_flavor(s), s)
            if any(size[part] != s[part] for part in ("vcpus", "ram_mb", "disk_gb")):
                raise ValueError(f"instance {s['id']} has another size than flavor {_flavor(s)}")
        return [
            Flavor(
                id=given.get(name, {}).get("id") or _stable("flavor", name),
                number=number,
                name=name,
                vcpus=int(sizes[name]["vcpus"]),
                ram_mb=int(sizes[name]["ram_mb"]),
                disk_gb=int(sizes[name]["disk_gb"]),
                extra_specs=given.get(name, {}).get("extra_specs", {}),
            )
            for number, name in enumerate(sorted(sizes), 1)
        ]

    def _host(self, number: int, h: Json) -> Host:
        return Host(
            id=h["id"],
            service_id=_stable("service", h["id"]),
            number=number,
            name=h["name"],
            vcpus=int(h["vcpus"]),
            ram_mb=int(h["ram_mb"]),
            disk_gb=int(h["disk_gb"]),
            cpu_ratio=float(h.get("cpu_ratio", 4.0)),
            ram_ratio=float(h.get("ram_ratio", 1.0)),
            disk_ratio=float(h.get("disk_ratio", 1.0)),
            vcpus_reserved=int(h.get("vcpus_reserved", 0)),
            ram_reserved_mb=int(h.get("ram_reserved_mb", 0)),
            disk_reserved_gb=int(h.get("disk_reserved_gb", 0)),
            zone=h.get("zone") or self.zone_of.get(h["name"], "nova"),
            status=_word(f"status of host {h['id']}", h.get("status", "enabled"), _STATUSES),
            disabled_reason=h.get("disabled_reason"),
            alive=_word(f"state of host {h['id']}", h.get("state", "up"), _UP) == "up",
            changed_at=self.born,
            base_cores=float(h.get("base_cores", 0.0)),
            base_ram_mb=float(h.get("base_ram_mb", 0.0)),
        )

    def _bookings(self, h: Json) -> Iterator[Booking]:
        """Under names of their own: a server's own allocation is where the server is."""
        for consumer, held in h.get("other_allocations", {}).items():
            yield Booking(
                consumer=_stable("consumer", f"{h['id']}/{consumer}"),
                host=h["name"],
                resources=(
                    int(held.get("vcpus", 0)),
                    int(held.get("ram_mb", 0)),
                    int(held.get("disk_gb", 0)),
                ),
            )

    def _server(self, number: int, s: Json, flavor: Flavor) -> Server:
        born = self.born - 86400.0 + number
        cores = s.get("cpu_util_pct", 0.0) * flavor.vcpus / 100.0
        return Server(
            id=s["id"],
            number=number,
            name=s["name"],
            host=str(self.name_of.get(s["host"], s["host"])),
            flavor=flavor.id,
            project_id=s.get("project", ADMIN_PROJECT.id),
            user_id=s.get("user", ADMIN.id),
            created=born,
            updated=born,
            load=ServerLoad(
                cores=cores,
                swing=float(s.get("cpu_swing_pct", 0.0)) * flavor.vcpus / 100.0,
                period=float(s.get("period_s", 3600.0)),
                phase=self._phase(s),
                ram_mb=float(s.get("ram_used_mb", 0.0)),
            ),
            vm_state=_word(f"instance {s['id']}", s.get("state", "active"), _STATES),
            locked=bool(s.get("locked", False)),
            locked_reason=s.get("locked_reason"),
            pinned_zone=s.get("pinned_zone"),
            metadata={k: str(v) for k, v in s.get("metadata", {}).items()},
        )

    def _phase(self, s: Json) -> float:
        drawn = self.random.uniform(0, 2 * math.pi)
        since = s.get("phase_s")
        return drawn if since is None else 2 * math.pi * since / float(s.get("period_s", 3600.0))

    def _group(self, g: Json) -> ServerGroup:
        return ServerGroup(
            id=g.get("id") or _stable("group", g["name"]),
            name=g["name"],
            policy=_word(f"policy of group {g['name']}", g["policy"], _POLICIES),
            members=list(g["members"]),
            rules=g.get("rules", {}),
            project_id=g.get("project", ADMIN_PROJECT.id),
            user_id=g.get("user", ADMIN.id),
        )

    def _aggregates(self) -> list[HostAggregate]:
        plain = [
            (a["name"], list(a["hosts"]), dict(a.get("metadata", {})))
            for a in self.raw.get("aggregates", [])
        ]
        zones: dict[str, list[str]] = {}
        for h in self.raw["hosts"]:
            zone = h.get("zone") or self.zone_of.get(h["name"])
            if zone and zone != "nova":
                zones.setdefault(zone, []).append(h["name"])
        made = [(f"zone-{z}", hosts, {"availability_zone": z}) for z, hosts in zones.items()]
        return [
            HostAggregate(
                id=number,
                uuid=_stable("aggregate", name),
                name=name,
                hosts=hosts,
                metadata=metadata,
                created=self.born,
            )
            for number, (name, hosts, metadata) in enumerate(made + plain, 1)
        ]


def _word(place: str, value: object, known: dict[str, str]) -> str:
    """One of some words, in any case, with ``_`` or ``-``."""
    folded = str(value).lower().replace("-", "_")
    if folded not in known:
        raise ValueError(f"{place} is {value}; known are {', '.join(known.values())}")
    return known[folded]


def _stable(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))
