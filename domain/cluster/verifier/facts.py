"""A model as plain lists and dictionaries, which the verifier reads from the columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.extra_specs import overhead, pci_devices, pinned_count
from domain.cluster.verifier.numa import PlainCells, read_cells
from domain.cluster.verifier.static_rules import PlainHost, PlainServer, StaticRules


@dataclass(frozen=True)
class VerifierGroup:
    """A server group with the members in the model (indices).

    Attributes:
        incoming: host → ids of members that have an allocation there and are not on it.
    """

    policy: str
    members: frozenset[int]
    max_per_host: int
    has_outside_members: bool
    from_cloud: bool
    incoming: Mapping[int, frozenset[str]]


@dataclass
class PlainModel:
    """A model in plain form; lists are by host or by server index.

    Attributes:
        model, load: what it was read from.
        host_names: service host names.
        status: ``enabled`` or ``disabled`` of each host.
        start: host of each server.
        needs: per server, what it uses: resource → amount. Not to be changed: servers share them.
        base: per host, what is used by others than its servers.
        room: per host, its capacity; 0 of a resource that is not listed.
        most: per host, the most that one server can get; no limit for a resource not listed.
        groups: server → the groups it is in, including the operator's lists.
        numa: NUMA cells, and the servers that need them.
        servers: those that were read so far: most are not moved.
        known_refusals: (server, host) → static rules that refuse it, computed so far.
    """

    model: ComputeModel
    load: MeasuredLoad | None
    host_names: list[str]
    status: list[str]
    start: list[int]
    needs: list[dict[str, float]]
    base: list[dict[str, float]]
    room: list[dict[str, float]]
    most: list[dict[str, float]]
    groups: Mapping[int, list[VerifierGroup]]
    hosts: list[PlainHost]
    rules: StaticRules
    numa: PlainCells
    servers: dict[int, PlainServer] = field(default_factory=dict)
    known_refusals: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)

    def server(self, server: int) -> PlainServer:
        """A server."""
        if server not in self.servers:
            home = self.hosts[self.start[server]]
            self.servers[server] = _read_server(self.model, server, home)
        return self.servers[server]

    def static_refusals(self, server: int, host: int) -> tuple[str, ...]:
        """Names of the static rules that refuse a server on a host."""
        key = (server, host)
        if key not in self.known_refusals:
            self.known_refusals[key] = self.rules.refusals(self.server(server), self.hosts[host])
        return self.known_refusals[key]

    def resize(self, server: int, flavor: Flavor | None) -> None:
        """Gives a server another flavor; None for that of the model."""
        had = self.needs[server]
        found = flavor or _flavor(self.model, server)
        self.needs[server] = _needs(found) | {
            name: had[name] for name in ("cpu used", "memory used") if name in had
        }
        self.servers[server] = replace(self.server(server), specs=found.extra_specs)
        self.numa.resize(server, found, known=flavor is None)
        for key in [key for key in self.known_refusals if key[0] == server]:
            del self.known_refusals[key]

    def run(self, server: int, *, running: bool) -> None:
        """Starts or stops a server; the use of one that is stopped in the model stays."""
        if self.load is not None and self.model.servers.state[server] != "stopped":
            cpu, memory = self.load.need[server].tolist() if running else (0.0, 0.0)
            self.needs[server] = {**self.needs[server], "cpu used": cpu, "memory used": memory}


def read_facts(
    model: ComputeModel, load: MeasuredLoad | None, operator: OperatorRules, *, keep_zone: bool
) -> PlainModel:
    """Reads a model."""
    listed = [frozenset(aggregate.hosts) for aggregate in model.aggregates]
    hosts = [_read_host(model, index, listed) for index in range(len(model.hosts))]
    needs = _all_needs(model, load)
    return PlainModel(
        model=model,
        load=load,
        host_names=list(model.hosts.name),
        status=[model.hosts.status[index] for index in range(len(hosts))],
        start=model.servers.host.tolist(),
        needs=needs,
        base=_base(model, load, needs),
        room=[_room(model, load, host) for host in range(len(hosts))],
        most=[_most(model, host) for host in range(len(hosts))],
        groups=_by_server(_read_groups(model, operator)),
        hosts=hosts,
        rules=StaticRules(
            keep_zone=keep_zone,
            aggregate_keys={key for a in model.aggregates for key in a.metadata},
            fences=[(frozenset(one.servers), frozenset(one.hosts)) for one in operator.fences],
            bans=[(frozenset(one.servers), frozenset(one.hosts)) for one in operator.bans],
        ),
        numa=read_cells(model),
    )


def _read_host(model: ComputeModel, index: int, members: list[frozenset[str]]) -> PlainHost:
    hosts = model.hosts
    listed = hosts.aggregates[index]
    inside = [
        aggregate.metadata
        for aggregate, names in zip(model.aggregates, members, strict=True)
        if hosts.name[index] in names
        or aggregate.id in listed
        or (aggregate.uuid and aggregate.uuid in listed)
    ]
    return PlainHost(
        name=hosts.name[index],
        up=hosts.state[index] == "up",
        unseen=int(hosts.unseen[index]),
        zone=hosts.zone[index],
        traits=frozenset(hosts.traits[index]),
        aggregates=tuple(inside),
    )


def _read_server(model: ComputeModel, index: int, home: PlainHost) -> PlainServer:
    servers = model.servers
    quiet = not servers.task_state[index]
    settled = servers.status[index].upper() in {"", "ACTIVE", "SHUTOFF"}
    able = servers.state[index] in {"active", "stopped"}
    free = not servers.locked[index] and not servers.excluded[index]
    return PlainServer(
        id=servers.id[index],
        fixed=not (quiet and settled and able and free),
        pinned_zone=servers.pinned_zone[index],
        home_zone=home.zone,
        project=servers.project_id[index],
        specs=servers.extra_specs[index],
    )


def _flavor(model: ComputeModel, server: int) -> Flavor:
    columns = model.servers
    return Flavor(
        "",
        int(columns.vcpus[server]),
        int(columns.memory_mb[server]),
        int(columns.disk_gb[server]),
        columns.extra_specs[server],
    )


def _all_needs(model: ComputeModel, load: MeasuredLoad | None) -> list[dict[str, float]]:
    columns = model.servers
    kinds: dict[tuple[int, ...], dict[str, float]] = {}
    needs = []
    sizes = (
        columns.vcpus.tolist(),
        columns.memory_mb.tolist(),
        columns.disk_gb.tolist(),
        columns.extra_specs.codes.tolist(),
    )
    for server, kind in enumerate(zip(*sizes, strict=True)):
        if kind not in kinds:
            kinds[kind] = _needs(_flavor(model, server))
        needs.append(kinds[kind])
    if load is None:
        return needs
    return [
        {**need, "cpu used": cpu, "memory used": memory}
        for need, (cpu, memory) in zip(needs, load.need.tolist(), strict=True)
    ]


def _needs(flavor: Flavor) -> dict[str, float]:
    specs = flavor.extra_specs
    pinned = pinned_count(flavor.vcpus, specs)
    needs: dict[str, float] = {
        "VCPU": flavor.vcpus - pinned,
        "PCPU": pinned + overhead(specs),
        "MEMORY_MB": flavor.memory_mb,
        "DISK_GB": flavor.disk_gb,
    }
    for alias, count in pci_devices(specs).items():
        needs[f"PCI {alias}"] = count
    return needs


def _base(
    model: ComputeModel, load: MeasuredLoad | None, needs: list[dict[str, float]]
) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    places = {identity: index for index, identity in enumerate(model.servers.id)}
    for host in range(len(model.hosts)):
        base: dict[str, float] = {}
        if load is not None:
            base["cpu used"] = float(load.base[0][host])
            base["memory used"] = float(load.base[1][host])
        for booking in model.hosts.other_allocations[host] or ():
            at = places.get(booking.consumer)
            counted = {} if at is None or model.servers.host[at] != host else needs[at]
            held = {
                "VCPU": booking.vcpus,
                "MEMORY_MB": booking.memory_mb,
                "DISK_GB": booking.disk_gb,
                "PCPU": booking.pcpus,
            }
            for amount, figure in held.items():
                beyond = max(0.0, figure - counted.get(amount, 0.0))
                base[amount] = base.get(amount, 0.0) + beyond
        found.append(base)
    return found


def _room(model: ComputeModel, load: MeasuredLoad | None, host: int) -> dict[str, float]:
    hosts = model.hosts
    cores = max(0, int(hosts.vcpus[host]) - int(hosts.vcpus_reserved[host]))
    memory = max(0, int(hosts.memory_mb[host]) - int(hosts.memory_reserved_mb[host]))
    disk = max(0, int(hosts.disk_gb[host]) - int(hosts.disk_reserved_gb[host]))
    room = {
        "VCPU": cores * float(hosts.cpu_ratio[host]),
        "MEMORY_MB": memory * float(hosts.ram_ratio[host]),
        "DISK_GB": disk * float(hosts.disk_ratio[host]),
        "PCPU": float(hosts.pcpus[host]),
    }
    if hosts.disk_gb[host] == 0:
        room["DISK_GB"] = float("inf")
    for alias, count in hosts.devices[host].items():
        room[f"PCI {alias}"] = float(count)
    if load is not None:
        room["cpu used"] = float(load.limit[0][host])
        room["memory used"] = float(load.limit[1][host])
    return room


def _most(model: ComputeModel, host: int) -> dict[str, float]:
    hosts = model.hosts
    most = {"VCPU": float(hosts.vcpus[host]), "MEMORY_MB": float(hosts.memory_mb[host])}
    if hosts.disk_gb[host] > 0:
        most["DISK_GB"] = float(hosts.disk_gb[host])
    return most


def _read_groups(model: ComputeModel, operator: OperatorRules) -> list[VerifierGroup]:
    places = {identity: index for index, identity in enumerate(model.servers.id)}
    incoming = _incoming(model, places)
    listed: dict[str, set[str]] = {}
    for identity, at in places.items():
        for name in model.servers.groups[at]:
            listed.setdefault(name, set()).add(identity)
    groups = []
    for row in model.groups:
        named = {*row.members, *listed.get(row.id, ())}
        found = _group(row.policy, named, row.max_per_host, places, model.outside, incoming)
        groups.append(replace(found, from_cloud=True))
    lists = [("anti-affinity", apart) for apart in operator.apart]
    lists += [("affinity", together) for together in operator.together]
    groups += [
        _group(kind, set(names), 1, places, model.outside, incoming) for kind, names in lists
    ]
    return groups


def _by_server(groups: list[VerifierGroup]) -> dict[int, list[VerifierGroup]]:
    found: dict[int, list[VerifierGroup]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member, []).append(group)
    return found


def _incoming(model: ComputeModel, places: Mapping[str, int]) -> dict[str, set[int]]:
    """Consumer → hosts where it has an allocation without being a server on them."""
    found: dict[str, set[int]] = {}
    for host in range(len(model.hosts)):
        for booking in model.hosts.other_allocations[host] or ():
            known = places.get(booking.consumer)
            if known is None or int(model.servers.host[known]) != host:
                found.setdefault(booking.consumer, set()).add(host)
    return found


def _group(
    policy: str,
    named: set[str],
    most: int,
    places: Mapping[str, int],
    outside: frozenset[str],
    incoming: Mapping[str, set[int]],
) -> VerifierGroup:
    awaited: dict[int, set[str]] = {}
    for name in named & incoming.keys():
        for host in incoming[name]:
            awaited.setdefault(host, set()).add(name)
    return VerifierGroup(
        policy=policy,
        members=frozenset(places[name] for name in named if name in places),
        max_per_host=most,
        has_outside_members=any(name in outside for name in named),
        from_cloud=False,
        incoming={host: frozenset(names) for host, names in awaited.items()},
    )
