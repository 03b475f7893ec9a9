"""Every strategy on a cluster with many servers per host.

Run it alone: ``python -m tests.benchmarks crowded``.
"""

from random import Random
from typing import Any

from tests.benchmarks.report import Cell, Table
from tests.benchmarks.strategies.cases import Data, with_nodes
from tests.benchmarks.strategies.ours import in_new_process
from tests.world.plugins import STRATEGIES

HOSTS, SERVERS = 113, 15769
"""Those of a public report about the original: its consolidation took over an hour."""
KINDS = ((128, 1 << 20, 20000), (192, 3 << 19, 30000), (256, 1 << 21, 40000))
"""Hosts: threads, MB, GB."""
FLAVORS = ((1, 1024, 10), (1, 2048, 10), (2, 4096, 20), (4, 8192, 40), (8, 16384, 80))
CPU_RATIO = 8.0
POOLS, VOLUMES = 20, 4000
SEED = 113
_ORIGIN = (
    "A cluster of this size is in a public report about the original, whose consolidation ran for "
    "over an hour. This one is generated: {ratio:g} vCPUs per thread, hosts filled unevenly."
)
_METHOD = (
    "One new process per strategy, from the rows of the cluster to the plan. The rules are checked "
    "afterwards, in any order that the plan's dependencies allow."
)


def run(*, quick: bool = False) -> Table:
    """CPU time, memory and size of the plan of each strategy (of a tenth of the servers, if quick).

    Args:
        quick: whether a small cluster is enough.
    """
    data = cluster(HOSTS // 10, SERVERS // 10) if quick else cluster(HOSTS, SERVERS)
    names = [name for name in sorted(STRATEGIES) if not name.startswith("test")]
    return Table(
        f"A crowded cluster: {len(data['hosts'])} hosts, {len(data['instances']):,} servers",
        ("strategy", "CPU, s", "memory, MB", "actions", "rules broken"),
        tuple(_row(name, data) for name in names),
        (
            _ORIGIN.format(ratio=CPU_RATIO),
            _METHOD,
        ),
    )


def _row(name: str, data: Data) -> tuple[Cell, ...]:
    found = in_new_process(name, data)
    return name, found["cpu"], found["memory"], len(found["actions"]), found["violations"]


def cluster(hosts: int, servers: int, volumes: int = VOLUMES, seed: int = SEED) -> Data:
    """Hosts that are filled unevenly, with all metrics, bare-metal nodes and block storage."""
    rng = Random(seed)
    rows = [_host(number, rng) for number in range(hosts)]
    wishes = [rng.random() ** 2 + 0.05 for _ in rows]
    free = [[row["vcpus"] * CPU_RATIO, row["ram_mb"], row["disk_gb"]] for row in rows]
    placed = [_server(number, rows, wishes, free, rng) for number in range(servers)]
    _add_use(rows, placed)
    data = with_nodes({"hosts": rows, "instances": placed, "storage": _storage(volumes, rng)})
    return {**data, "metrics": _metrics(rows, placed, rng)}


def _host(number: int, rng: Random) -> Data:
    vcpus, ram, disk = rng.choice(KINDS)
    return {
        "id": f"host-{number:03}",
        "name": f"compute-{number:03}",
        "vcpus": vcpus,
        "ram_mb": ram,
        "disk_gb": disk,
        "cpu_ratio": CPU_RATIO,
    }


def _server(
    number: int, hosts: list[Data], wishes: list[float], free: list[list[float]], rng: Random
) -> Data:
    flavor = rng.choices(FLAVORS, (30, 25, 25, 15, 5))[0]
    at = rng.choices(range(len(hosts)), wishes)[0]
    while any(need > room for need, room in zip(flavor, free[at], strict=True)):
        at = (at + 1) % len(hosts)
    free[at] = [room - need for need, room in zip(flavor, free[at], strict=True)]
    return {
        "id": f"server-{number:05}",
        "name": f"vm-{number:05}",
        "host": hosts[at]["id"],
        "vcpus": flavor[0],
        "ram_mb": flavor[1],
        "disk_gb": flavor[2],
        "project": f"project-{number % 97}",
        "cpu_util_pct": round(100 * rng.betavariate(1.2, 8), 3),
        "ram_used_mb": round(flavor[1] * rng.betavariate(5, 2.5), 1),
    }


def _add_use(hosts: list[Data], servers: list[Data]) -> None:
    """A host uses what its servers use: % of its threads, MB."""
    for host in hosts:
        inside = [one for one in servers if one["host"] == host["id"]]
        used = sum(one["vcpus"] * one["cpu_util_pct"] for one in inside)
        host["cpu_util_pct"] = round(min(100.0, used / host["vcpus"]), 3)
        host["ram_used_mb"] = round(sum(one["ram_used_mb"] for one in inside), 1)


def _metrics(hosts: list[Data], servers: list[Data], rng: Random) -> dict[str, dict[str, float]]:
    def of(rows: list[Data], low: float, high: float) -> dict[str, float]:
        return {row["id"]: round(rng.uniform(low, high), 1) for row in rows}

    return {
        "host_outlet_temp": of(hosts, 20, 50),
        "host_inlet_temp": of(hosts, 18, 32),
        "host_airflow": of(hosts, 100, 800),
        "host_power": of(hosts, 150, 600),
        "instance_l3_cache_usage": of(servers, 1e6, 4e7),
        "instance_l3_cache_usage@200": of(servers, 1e6, 4e7),
    }


def _storage(count: int, rng: Random) -> dict[str, list[dict[str, Any]]]:
    """Pools of 100 TB: every other one nearly full, the others nearly empty."""
    names = [f"stor@b{number}#p{number}" for number in range(POOLS)]
    volumes: list[Data] = [
        {
            "id": f"volume-{number:04}",
            "name": f"vol-{number:04}",
            "pool": names[2 * rng.randrange(POOLS // 2)],
            "size_gb": rng.choice((20, 100, 400)),
            "status": "available",
        }
        for number in range(count)
    ]
    pools = []
    for name in names:
        used = sum(volume["size_gb"] for volume in volumes if volume["pool"] == name)
        total = round(used / 0.9) if used else 100_000
        pools.append(
            {
                "name": name,
                "backend_name": name.partition("@")[2].partition("#")[0],
                "total_gb": total,
                "free_gb": total - used,
                "allocated_gb": used,
                "thick": True,
            }
        )
    nodes = [{"host": name.partition("#")[0]} for name in names]
    return {"nodes": nodes, "pools": pools, "types": [], "volumes": volumes}
