"""What the cluster core costs: ``python -m tests.benchmarks.cluster_core``.

Times are CPU seconds, the least of some repeats, of this process alone. The cluster is made from
a seed, or read from a file in the neutral form (``--cluster``).
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from domain.cluster.branch import Branch
from domain.cluster.compute import ComputeModel
from domain.cluster.constraints import Constraints
from domain.cluster.load import Load
from domain.cluster.neutral import read_neutral
from domain.optimization import STRATEGIES
from domain.optimization.offline import metric_table
from domain.optimization.planners import weight_planner
from domain.optimization.strategies.vm_workload_consolidation import CPU_HEADROOM, MEMORY_HEADROOM
from domain.optimization.strategy import Inputs
from domain.optimization.utilisation import utilisation
from domain.optimization.verification import verify_plan

STRATEGY = STRATEGIES["vm_workload_consolidation"]
FLAVORS = ((1, 2048, 20), (2, 4096, 40), (4, 8192, 80), (8, 16384, 160), (16, 65536, 320))
HOSTS = ((32, 131072, 2000), (64, 262144, 4000), (96, 524288, 8000))
PROBES = 2000
SEED = 42


def synthetic(hosts: int, servers: int) -> dict[str, Any]:
    """A neutral cluster: three kinds of host, five flavors, skewed use; servers where they fit.

    Any number up to two servers per host fits; beyond that it depends.
    """
    rng = Random(SEED)
    rows: list[dict[str, Any]] = [
        {"id": f"host-{n:05}", "name": f"compute-{n:05}", "vcpus": v, "ram_mb": r, "disk_gb": d}
        for n in range(hosts)
        for v, r, d in (rng.choices(HOSTS, (4, 4, 2))[0],)
    ]
    room = [[row["vcpus"], row["ram_mb"], row["disk_gb"]] for row in rows]
    instances = []
    for n in range(servers):
        flavor = rng.choices(FLAVORS, (30, 25, 25, 12, 8))[0]
        at = rng.randrange(hosts)
        while any(need > free for need, free in zip(flavor, room[at], strict=True)):
            at = (at + 1) % hosts
        room[at] = [free - need for need, free in zip(flavor, room[at], strict=True)]
        instances.append(
            {
                "id": f"server-{n:06}",
                "name": f"vm-{n:06}",
                "host": rows[at]["id"],
                "vcpus": flavor[0],
                "ram_mb": flavor[1],
                "disk_gb": flavor[2],
                "project": f"project-{n % 97}",
                "cpu_util_pct": round(100 * rng.betavariate(1.6, 4.0), 3),
                "ram_used_mb": round(flavor[1] * rng.betavariate(5, 2.5), 1),
            }
        )
    return {"hosts": rows, "instances": instances}


def least(repeats: int, work: Callable[[], object]) -> float:
    """CPU seconds of the fastest repeat."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def peak_mb() -> float:
    """Peak resident set of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(data: Mapping[str, object]) -> Iterator[tuple[str, float, str]]:
    """All figures of one cluster: name, value, unit."""
    cluster = read_neutral(data)
    before = peak_mb()

    def build() -> ComputeModel:
        return ComputeModel.build(cluster.hosts, cluster.servers)[0]

    model = build()
    yield "hosts", len(model.hosts), ""
    yield "servers", len(model.servers), ""
    yield "model from rows", least(3, build), "s"
    columns = model.to_columns()
    yield "model to JSON columns", least(2, model.to_columns), "s"
    yield "model from JSON columns", least(2, partial(ComputeModel.from_columns, columns)), "s"
    inputs = Inputs(model, metric_table(model, cluster.metrics, STRATEGY, {}), {}, 0)
    use = utilisation(
        model, inputs.metrics, cpu_headroom=CPU_HEADROOM, memory_headroom=MEMORY_HEADROOM
    )
    yield from _probes(model, use.load)
    yield "consolidation strategy", least(2, lambda: STRATEGY.solve(inputs)), "s"
    solution = STRATEGY.solve(inputs)
    planner = weight_planner()
    yield "weight planner", least(2, lambda: planner.plan(solution)), "s"
    planned = planner.plan(solution)
    begun = time.process_time()
    violations = verify_plan(model, planned, use.load)
    yield "checking the plan", time.process_time() - begun, "s"
    yield "violations found", len(violations), ""
    yield "hosts freed", solution.indicators["released_compute_nodes_count"], ""
    yield "migrations", solution.indicators["instance_migrations_count"], ""
    yield "peak memory of the process", peak_mb(), "MB"
    yield "of which since the rows were read", peak_mb() - before, "MB"


def _probes(model: ComputeModel, load: Load) -> Iterator[tuple[str, float, str]]:
    branch, rules = Branch(model, load), Constraints(model)
    servers = [n * len(model.servers) // PROBES for n in range(PROBES)]

    def ask() -> None:
        for server in servers:
            rules.legal_hosts(branch, server)

    def step() -> None:
        for server in servers:
            branch.move(server, 0)
            branch.undo()

    yield "legal hosts of one server", least(3, ask) / PROBES * 1e6, "us"
    yield "one move applied and undone", least(3, step) / PROBES * 1e6, "us"


def run(hosts: int = 5000, servers: int = 50000) -> Iterator[tuple[str, float, str]]:
    """Figures of the generated cluster: name, value, unit."""
    for name, value, unit in measure(synthetic(hosts, servers)):
        yield f"cluster core, {hosts}/{servers}: {name}", value, unit


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=5000)
    parser.add_argument("--servers", type=int, default=50000)
    parser.add_argument("--cluster", type=Path)
    options = parser.parse_args()
    if options.cluster:
        figures = measure(json.loads(options.cluster.read_text()))
    else:
        figures = run(options.hosts, options.servers)
    for name, value, unit in figures:
        sys.stdout.write(f"{name:75} {value:12,.4f} {unit}\n")


if __name__ == "__main__":
    main()
