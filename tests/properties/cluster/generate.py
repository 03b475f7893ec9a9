"""Random clusters that are small and involve every rule."""

from random import Random

import numpy as np

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import NumaCell, Topology
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from domain.cluster.compute.resources import aliases
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.cluster.placement.rules.operator import Fence, OperatorRules
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow

TRAITS = ("HW_CPU_X86_AVX2", "HW_GPU", "CUSTOM_RACK_A")
ZONES = ("az1", "az2")
POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
SPECS: tuple[dict[str, str], ...] = (
    {},
    {},
    {},
    {"hw:cpu_policy": "dedicated"},
    {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1,^1"},
    {"resources:PCPU": "1"},
    {"trait:HW_GPU": "required"},
    {"trait:HW_GPU": "forbidden", "trait1:CUSTOM_RACK_A": "required"},
    {"aggregate_instance_extra_specs:ssd": "true"},
    {"aggregate_instance_extra_specs:generation": ">= 2"},
    {"aggregate_instance_extra_specs:generation": "<or> 1 <or> 3"},
    {"ssd": "false"},
    {"pci_passthrough:alias": "gpu:1"},
    {"pci_passthrough:alias": "gpu:1,nic:2"},
)
NUMA_SPECS: tuple[dict[str, str], ...] = (
    {"hw:numa_nodes": "1"},
    {"hw:numa_nodes": "2"},
    {"hw:numa_nodes": "2", "hw:cpu_policy": "dedicated"},
    {"hw:numa_nodes": "2", "hw:mem_page_size": "2048"},
    {"hw:numa_nodes": "2", "hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0,3"},
    {"hw:numa_nodes": "2", "hw:cpu_policy": "mixed", "hw:cpu_realtime_mask": "^0"},
    {"hw:numa_nodes": "3", "hw:mem_page_size": "any"},
    {
        "hw:numa_nodes": "2",
        "hw:numa_cpus.0": "0",
        "hw:numa_cpus.1": "1-3",
        "hw:numa_mem.0": "1024",
        "hw:numa_mem.1": "3072",
        "hw:cpu_policy": "dedicated",
    },
    {
        "hw:numa_nodes": "2",
        "hw:numa_cpus.0": "0",
        "hw:numa_cpus.1": "1",
        "hw:numa_mem.0": "512",
        "hw:numa_mem.1": "1536",
        "hw:mem_page_size": "large",
    },
    {"hw:cpu_policy": "dedicated", "hw:mem_page_size": "large"},
    {"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"},
    {"hw:cpu_policy": "shared", "hw:mem_page_size": "small"},
    {"hw:mem_page_size": "large"},
    {"hw:mem_page_size": "any", "resources:PCPU": "4"},
    {"hw:mem_page_size": "2MB"},
    {"hw:mem_page_size": "1GB"},
    {"hw:mem_page_size": "1048576"},
    {"hw:mem_page_size": "4"},
    {"hw:mem_page_size": "32MiB"},
    {"hw:pmem": "128GB"},
    {"hw:numa_nodes": "none", "hw:mem_page_size": "huge", "hw:pmem": " ,"},
)
"""Includes values that Nova refuses and values that cannot be parsed."""
PAGES: tuple[tuple[tuple[int, int], ...], ...] = (
    (),
    ((2048, 512),),
    ((2048, 1024), (1048576, 2)),
    ((2048, 2048), (1048576, 3)),
    ((1048576, 1),),
)
METADATA: tuple[dict[str, str], ...] = (
    {},
    {"ssd": "true"},
    {"ssd": "false", "generation": "2"},
    {"generation": "1,3"},
    {"filter_tenant_id": "p1"},
    {"filter_tenant_id_2": "p1, p2"},
    {"trait:CUSTOM_RACK_A": "required"},
)


def some(rng: Random, values: tuple[str, ...], chance: float) -> tuple[str, ...]:
    return tuple(value for value in values if rng.random() < chance)


def topology(rng: Random) -> Topology | None:
    """Cells that are equal, or different, or unknown."""
    if rng.random() < 0.3:
        return None

    def cell(number: int) -> NumaCell:
        cpus, pcpus = rng.choice((1, 4, 8)), rng.choice((0, 2, 4, 8))
        return NumaCell(number, cpus, pcpus, rng.choice((6144, 8192, 16384)), rng.choice(PAGES))

    numbers = rng.sample(range(5), k=rng.randint(1, 4))
    if rng.random() < 0.5:
        one = cell(0)
        return tuple(one._replace(id=number) for number in sorted(numbers))
    return tuple(cell(number) for number in numbers)


def extra_specs(rng: Random, *, cells: bool) -> dict[str, str]:
    """Extra specs; with ``cells`` half of them request a NUMA topology."""
    specs = rng.choice(SPECS) if rng.random() < 0.35 else {}
    return {**specs, **rng.choice(NUMA_SPECS)} if cells and rng.random() < 0.5 else specs


def nodes(rng: Random) -> tuple[int, ...] | None:
    """Reported cells of a server, or None. They may not exist."""
    return tuple(rng.sample(range(5), k=rng.randint(1, 3))) if rng.random() < 0.5 else None


def others(rng: Random) -> Allocations:
    """Allocations of servers (there, elsewhere or on no host) and of other consumers."""
    if rng.random() < 0.6:
        return ()
    consumers = [*(f"s{rng.randrange(24)}" for _ in range(rng.randrange(3))), "migration", "orphan"]
    return tuple(
        Allocation(
            one, rng.choice((0, 1, 4)), rng.choice((0, 2048, 8192)), rng.choice((0, 30))
        )._replace(pcpus=rng.choice((0, 0, 2)))
        for one in sorted(set(rng.sample(consumers, k=rng.randint(1, len(consumers)))))
    )


def host(rng: Random, number: int, aggregates: int, *, cells: bool = False) -> HostRow:
    disk = rng.choice((0, 100, 400))
    return HostRow(
        id=f"h{number}",
        name=f"c{number}",
        state="up" if rng.random() < 0.95 else "down",
        status="enabled" if rng.random() < 0.85 else "disabled",
        zone=rng.choice(ZONES) if rng.random() < 0.4 else ZONES[0],
        vcpus=rng.choice((2, 8, 16, 32)),
        memory_mb=rng.choice((16384, 32768)),
        disk_gb=disk,
        vcpus_reserved=rng.choice((0, 0, 1)),
        memory_reserved_mb=rng.choice((0, 512)),
        disk_reserved_gb=rng.choice((0, 10)),
        cpu_ratio=rng.choice((1.0, 1.5, 4.0)),
        ram_ratio=rng.choice((1.0, 1.1)),
        traits=some(rng, TRAITS, 0.6),
        aggregates=some(rng, tuple(f"agg{n}" for n in range(aggregates)), 0.3),
        pcpus=rng.choice((0, 16 if cells else 4)),
        devices=rng.choice(({}, {"gpu": 2}, {"gpu": 1, "nic": 4})),
        other_allocations=others(rng),
        numa=topology(rng) if cells else None,
    )


def server(rng: Random, number: int, hosts: int, groups: int, *, cells: bool = False) -> ServerRow:
    state = "active" if rng.random() < 0.9 else rng.choice(("stopped", "paused", "error"))
    return ServerRow(
        id=f"s{number}",
        name=f"vm{number}",
        host=f"c{rng.randrange(hosts)}",
        vcpus=rng.choice((1, 2, 4)) if rng.random() < 0.99 else None,
        memory_mb=rng.choice((512, 2048, 4096)),
        disk_gb=rng.choice((0, 10, 20)),
        state=state,
        status="ACTIVE" if rng.random() < 0.95 else rng.choice(("", "VERIFY_RESIZE")),
        task_state=None if rng.random() < 0.97 else "migrating",
        project_id=rng.choice(("p1", "p2", "p3")),
        locked=rng.random() < 0.03,
        pinned_zone=rng.choice(ZONES) if rng.random() < 0.1 else None,
        extra_specs=extra_specs(rng, cells=cells),
        numa_nodes=nodes(rng) if cells else None,
        groups=some(rng, tuple(f"g{n}" for n in range(groups)), 0.05),
    )


def group(rng: Random, number: int, servers: int) -> GroupRow:
    members = rng.sample(range(servers), k=min(servers, rng.randint(1, 4)))
    return GroupRow(
        id=f"g{number}",
        policy=rng.choice(POLICIES),
        members=tuple(f"s{member}" for member in members),
        max_per_host=rng.choice((1, 1, 2)),
    )


def aggregate(rng: Random, number: int, hosts: int) -> AggregateRow:
    return AggregateRow(
        id=str(number),
        uuid=f"agg{number}",
        name=f"aggregate {number}",
        hosts=some(rng, tuple(f"c{n}" for n in range(hosts)), 0.3),
        metadata=rng.choice(METADATA),
    )


Rows = tuple[list[HostRow], list[ServerRow], list[GroupRow], list[AggregateRow]]


def rows(rng: Random, *, cells: bool | None = None) -> Rows:
    """2 to 7 hosts and up to 24 servers, with their groups and aggregates.

    ``cells``: whether NUMA cells are known; None: of half of the clusters.
    """
    hosts, servers = rng.randint(2, 7), rng.randint(1, 24)
    groups, aggregates = rng.randint(0, 3), rng.randint(0, 3)
    cells = rng.random() < 0.5 if cells is None else cells
    return (
        [host(rng, n, aggregates, cells=cells) for n in range(hosts)],
        [server(rng, n, hosts, groups, cells=cells) for n in range(servers)],
        [group(rng, n, servers) for n in range(groups)],
        [aggregate(rng, n, hosts) for n in range(aggregates)],
    )


def cluster(rng: Random) -> ComputeModel:
    """A model of 2 to 7 hosts and up to 24 servers."""
    model, _ = ComputeModel.build(*rows(rng))
    if rng.random() < 0.3:
        keep = np.array([rng.random() < 0.8 for _ in model.hosts.id])
        excluded = some(rng, model.servers.id, 0.1)
        model = model.restrict(keep, excluded)
    return model


def flavor(rng: Random, model: ComputeModel) -> Flavor:
    """A flavor that requests no PCI device but those that the model knows."""
    specs = extra_specs(rng, cells=rng.random() < 0.5)
    if aliases(specs).keys() - set(model.resources):
        specs = {}
    sizes = rng.choice((1, 2, 4)), rng.choice((512, 2048, 4096)), rng.choice((0, 10, 20))
    return Flavor("another", *sizes, specs)


def storage(rng: Random) -> StorageModel:
    """A storage model of 2 to 4 pools and up to 12 volumes; capacities are fractions."""
    types = ("gold", "silver", "bronze")
    pools = [f"stor@b{n % 2}#p{n}" for n in range(rng.randint(2, 4))]
    model, _ = StorageModel.build(
        [StorageNodeRow("stor@b0"), StorageNodeRow("stor@b1")],
        [
            PoolRow(
                name,
                total_gb=1000.0,
                free_gb=rng.choice((None, "infinite", 1000 * rng.random())),
                provisioned_gb=1000 * rng.random(),
                thin=rng.random() < 0.5,
            )
            for name in pools
        ],
        [
            VolumeRow(f"v{n}", pool=rng.choice(pools), size_gb=n, volume_type=rng.choice(types))
            for n in range(rng.randrange(12))
        ],
    )
    return model


def load(rng: Random, model: ComputeModel) -> MeasuredLoad | None:
    """Measured use, or none at all."""
    if rng.random() < 0.3:
        return None
    use = [[rng.random() * vcpus, rng.random() * 4096] for vcpus in model.servers.vcpus]
    base = [[rng.choice((0.0, 0.5)) for _ in model.hosts.id] for _ in range(2)]
    limit = [model.hosts.vcpus * 0.9, model.hosts.memory_mb * 1.0]
    need = np.array(use, dtype=np.float64).reshape(len(model.servers), 2)
    return MeasuredLoad.of(need, np.array(base, dtype=np.float64), np.array(limit))


def operator(rng: Random, model: ComputeModel) -> OperatorRules:
    """Often no rules, sometimes some of each kind."""
    if rng.random() < 0.6 or not len(model.servers):
        return OperatorRules()

    def servers() -> tuple[str, ...]:
        return tuple(rng.choice(model.servers.id) for _ in range(rng.randint(1, 3)))

    def hosts() -> tuple[str, ...]:
        return some(rng, model.hosts.name, 0.5)

    return OperatorRules(
        apart=(servers(),) if rng.random() < 0.5 else (),
        together=(servers(),) if rng.random() < 0.3 else (),
        fences=(Fence(servers(), hosts()),) if rng.random() < 0.4 else (),
        bans=(Fence(servers(), hosts()),) if rng.random() < 0.4 else (),
    )


def concurrency(rng: Random) -> ConcurrencyLimits:
    """Some limits on moves in progress."""
    return ConcurrencyLimits(total=rng.choice((None, 2, 4)), per_host=rng.choice((None, 1, 2)))


def policy(rng: Random, model: ComputeModel) -> PlacementPolicy:
    """The operator's rules, limits and policies."""
    return PlacementPolicy(
        operator(rng, model),
        concurrency(rng),
        keep_zone=rng.random() < 0.7,
        numa_certain=rng.random() < 0.3,
    )
