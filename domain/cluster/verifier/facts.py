"""A model as plain lists and dictionaries, which the verifier reads from the columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.verifier.extra_specs import (
    aggregate_specs,
    meets,
    overhead,
    pci_devices,
    pinned_count,
    required_traits,
)
from domain.cluster.verifier.numa import PlainCells, read_cells


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
        needs: per server, what it uses: resource → amount.
        base: per host, what is used by others than its servers.
        room: per host, its capacity; 0 of a resource that is not listed.
        most: per host, the most that one server can get; no limit for a resource not listed.
        groups: per server, the groups it is in, including the operator's lists.
        numa: NUMA cells, and the servers that need them.
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
    groups: list[list[VerifierGroup]]
    hosts: "list[_Host]"
    servers: "list[_Server]"
    operator: OperatorRules
    keep_zone: bool
    aggregate_keys: set[str]
    numa: PlainCells
    known_refusals: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)

    def static_refusals(self, server: int, host: int) -> tuple[str, ...]:
        """Names of the static rules that refuse a server on a host."""
        key = (server, host)
        if key not in self.known_refusals:
            self.known_refusals[key] = tuple(
                _static_refusals(self, self.servers[server], self.hosts[host])
            )
        return self.known_refusals[key]

    def resize(self, server: int, flavor: Flavor | None) -> None:
        """Gives a server another flavor; None for that of the model."""
        had = self.needs[server]
        found = flavor or _flavor(self.model, server)
        self.needs[server] = _needs(found) | {
            name: had[name] for name in ("cpu used", "memory used") if name in had
        }
        self.servers[server] = replace(self.servers[server], specs=found.extra_specs)
        self.numa.resize(server, found, known=flavor is None)
        for key in [key for key in self.known_refusals if key[0] == server]:
            del self.known_refusals[key]

    def run(self, server: int, *, running: bool) -> None:
        """Starts or stops a server; the use of one that is stopped in the model stays."""
        if self.load is not None and self.model.servers.state[server] != "stopped":
            use = self.load.need[server].tolist() if running else (0.0, 0.0)
            self.needs[server]["cpu used"], self.needs[server]["memory used"] = use


@dataclass(frozen=True)
class _Host:
    name: str
    up: bool
    unseen: int
    zone: str
    traits: frozenset[str]
    aggregates: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class _Server:
    id: str
    fixed: bool
    pinned_zone: str | None
    home_zone: str
    project: str
    specs: Mapping[str, str]


def read_facts(
    model: ComputeModel, load: MeasuredLoad | None, operator: OperatorRules, *, keep_zone: bool
) -> PlainModel:
    """Reads a model."""
    hosts = [_read_host(model, index) for index in range(len(model.hosts))]
    start = [int(host) for host in model.servers.host]
    servers = [_read_server(model, s, hosts[start[s]]) for s in range(len(start))]
    groups = _read_groups(model, operator)
    needs = [_needs(_flavor(model, server)) for server in range(len(start))]
    for use, server in zip([] if load is None else load.need.tolist(), needs, strict=False):
        server["cpu used"], server["memory used"] = use
    return PlainModel(
        model=model,
        load=load,
        host_names=list(model.hosts.name),
        status=[model.hosts.status[index] for index in range(len(hosts))],
        start=start,
        needs=needs,
        base=_base(model, load, needs),
        room=[_room(model, load, host) for host in range(len(hosts))],
        most=[_most(model, host) for host in range(len(hosts))],
        groups=_by_server(groups, len(start)),
        hosts=hosts,
        servers=servers,
        operator=operator,
        keep_zone=keep_zone,
        aggregate_keys={key for a in model.aggregates for key in a.metadata},
        numa=read_cells(model),
    )


def _read_host(model: ComputeModel, index: int) -> _Host:
    hosts = model.hosts
    listed = hosts.aggregates[index]
    inside = [
        aggregate.metadata
        for aggregate in model.aggregates
        if hosts.name[index] in aggregate.hosts
        or aggregate.id in listed
        or (aggregate.uuid and aggregate.uuid in listed)
    ]
    return _Host(
        name=hosts.name[index],
        up=hosts.state[index] == "up",
        unseen=int(hosts.unseen[index]),
        zone=hosts.zone[index],
        traits=frozenset(hosts.traits[index]),
        aggregates=tuple(inside),
    )


def _read_server(model: ComputeModel, index: int, home: _Host) -> _Server:
    servers = model.servers
    quiet = not servers.task_state[index]
    settled = servers.status[index].upper() in {"", "ACTIVE", "SHUTOFF"}
    able = servers.state[index] in {"active", "stopped"}
    free = not servers.locked[index] and not servers.excluded[index]
    return _Server(
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


def _by_server(groups: list[VerifierGroup], servers: int) -> list[list[VerifierGroup]]:
    found: list[list[VerifierGroup]] = [[] for _ in range(servers)]
    for group in groups:
        for member in group.members:
            found[member].append(group)
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


def _static_refusals(facts: PlainModel, server: _Server, host: _Host) -> list[str]:
    tests = {
        "Movable": not server.fixed,
        "FullyObserved": host.unseen == 0,
        "AvailabilityZone": _zone_fits(server, host, keep_zone=facts.keep_zone),
        "AggregateExtraSpecs": _aggregates_fit(server, host, facts.aggregate_keys),
        "ReservedForProjects": _project_fits(server, host),
        "ReservedForTraits": _isolation_fits(server, host),
        "RequiredTraits": _traits_fit(server, host),
        "FencesAndBans": _operator_agrees(server, host, facts.operator),
    }
    return [name for name, passed in tests.items() if not passed]


def _zone_fits(server: _Server, host: _Host, *, keep_zone: bool) -> bool:
    if server.pinned_zone is not None:
        return host.zone == server.pinned_zone
    return not keep_zone or host.zone == server.home_zone


def _aggregates_fit(server: _Server, host: _Host, known: set[str]) -> bool:
    for key, wanted in aggregate_specs(server.specs, known):
        offers = [metadata[key] for metadata in host.aggregates if key in metadata]
        values = [value.strip() for offer in offers for value in offer.split(",")]
        if not any(meets(value, wanted) for value in values):
            return False
    return True


def _project_fits(server: _Server, host: _Host) -> bool:
    lists = [
        value
        for metadata in host.aggregates
        for key, value in metadata.items()
        if key.startswith("filter_tenant_id")
    ]
    projects = {project.strip() for text in lists for project in text.split(",")}
    return not lists or server.project in projects


def _isolation_fits(server: _Server, host: _Host) -> bool:
    required, _ = required_traits(server.specs)
    for metadata in host.aggregates:
        for key, value in metadata.items():
            if key.startswith("trait:") and value == "required" and key[6:] not in required:
                return False
    return True


def _traits_fit(server: _Server, host: _Host) -> bool:
    required, forbidden = required_traits(server.specs)
    return all(trait in host.traits for trait in required) and not any(
        trait in host.traits for trait in forbidden
    )


def _operator_agrees(server: _Server, host: _Host, operator: OperatorRules) -> bool:
    for fence in operator.fences:
        if server.id in fence.servers and host.name not in fence.hosts:
            return False
    return all(not (server.id in ban.servers and host.name in ban.hosts) for ban in operator.bans)
