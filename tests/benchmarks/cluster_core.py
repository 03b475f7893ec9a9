"""What the cluster core costs: ``python -m tests.benchmarks.cluster_core``.

Times are CPU seconds, the least of some repeats, of this process alone. The cluster is made from
a seed, or read from a file in the portable form (``--cluster``).
"""

import argparse
import contextlib
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from application.simulation.offline import metric_table
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow
from domain.cluster.formats.portable import PortableCluster, read_portable
from domain.cluster.formats.xml import from_xml, to_xml
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.scope.compute import parse_scope
from domain.optimization.algorithms.utilisation import UtilisationNeeds, utilisation
from domain.optimization.context import PlanContext, StrategyContext
from domain.optimization.planners.weight import WeightPlanner
from domain.optimization.solution import Solution
from domain.optimization.strategies.vm_workload_consolidation import (
    CPU_HEADROOM,
    MEMORY_HEADROOM,
    ConsolidationParameters,
)
from domain.plans.verification import verify_plan
from tests.benchmarks.report import Cell, Table
from tests.world.plugins import ACTION_TYPES, STRATEGIES

STRATEGY = STRATEGIES["vm_workload_consolidation"]
FLAVORS = ((1, 2048, 20), (2, 4096, 40), (4, 8192, 80), (8, 16384, 160), (16, 65536, 320))
HOSTS = ((32, 131072, 2000), (64, 262144, 4000), (96, 524288, 8000))
WISHES = (
    {"hw:cpu_policy": "dedicated", "hw:numa_nodes": "2"},
    {"hw:mem_page_size": "large"},
    {"hw:numa_nodes": "2", "hw:mem_page_size": "2048"},
    {"hw:numa_nodes": "1"},
)
PROBES = 2000
RACKS = 20
SEED = 42
SCOPE = [
    {
        "compute": [
            {"host_aggregates": [{"name": f"rack-{n}"} for n in range(RACKS // 2)]},
            {"exclude": [{"projects": [{"uuid": "project-7"}]}]},
            {"exclude": [{"instances": [{"uuid": f"server-{n:06}"} for n in range(100)]}]},
        ]
    }
]
"""Half of the racks, without one project's servers and a hundred others."""


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


def forget_peak() -> None:
    """Has the kernel measure the peak of this process from now on (Linux only)."""
    gc.collect()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """Peak resident set of this process, MB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(data: Mapping[str, object]) -> Iterator[tuple[str, float, str]]:
    """All figures of one cluster: name, value, unit."""
    cluster = read_portable(data)
    del data  # the caller's text and lists are no part of what is measured
    forget_peak()
    before = peak_mb()
    build = partial(_build, cluster, racks(cluster))
    model = build()
    yield "hosts", len(model.hosts), ""
    yield "servers", len(model.servers), ""
    yield "model from rows", least(3, build), "s"
    yield "memory: rows and model", peak_mb(), "MB"
    yield from _forms(model)
    given = ConsolidationParameters()
    table = metric_table(model, cluster.metrics, STRATEGY.requirements(given))
    use = utilisation(
        model,
        table,
        UtilisationNeeds.of(given.period, given.granularity),
        cpu_headroom=CPU_HEADROOM,
        memory_headroom=MEMORY_HEADROOM,
    )
    yield from _probes(model, use.load)

    def solve() -> Solution:
        return STRATEGY.solve(StrategyContext(parameters=given, compute=model, metrics=table))

    yield "consolidation strategy", least(2, solve), "s"
    solution = solve()
    options = WeightPlanner().defaults(ACTION_TYPES.values())
    context = PlanContext(options=options, compute=model)
    yield "weight planner", least(2, lambda: WeightPlanner().plan(solution, context)), "s"
    planned = WeightPlanner().plan(solution, context)
    begun = time.process_time()
    violations = verify_plan(model, planned, use.load, action_types=ACTION_TYPES)
    yield "checking the plan", time.process_time() - begun, "s"
    yield "violations found", len(violations), ""
    yield "hosts freed", solution.indicators["released_compute_nodes_count"], ""
    yield "migrations", solution.indicators["instance_migrations_count"], ""
    yield "memory: everything above", peak_mb(), "MB"
    yield "memory: of which since the rows were read", peak_mb() - before, "MB"


def racks(cluster: PortableCluster) -> list[AggregateRow]:
    """Host aggregates that mean nothing but a name to be selected by."""
    return [
        AggregateRow(
            id=str(n), name=f"rack-{n}", hosts=tuple(h.name for h in cluster.hosts[n::RACKS])
        )
        for n in range(RACKS)
    ]


def _build(cluster: PortableCluster, aggregates: Sequence[AggregateRow]) -> ComputeModel:
    return ComputeModel.build(cluster.hosts, cluster.servers, cluster.groups, aggregates)[0]


def _forms(model: ComputeModel) -> Iterator[tuple[str, float, str]]:
    columns = model.to_columns()
    yield "model to JSON columns", least(2, model.to_columns), "s"
    yield "model from JSON columns", least(2, partial(ComputeModel.from_columns, columns)), "s"
    text = to_xml(model)
    yield "model to XML", least(2, partial(to_xml, model)), "s"
    yield "model from XML", least(2, partial(from_xml, text)), "s"
    yield "size of the XML", len(text.encode()) / 1e6, "MB"
    scope = parse_scope(SCOPE)

    def narrow() -> ComputeModel:
        selected = scope.select(model)
        return model.restrict(selected.hosts, selected.excluded)

    yield "scope: read, evaluated, model narrowed", least(3, narrow), "s"
    yield "hosts in scope", len(narrow().hosts), ""


def _probes(model: ComputeModel, load: MeasuredLoad) -> Iterator[tuple[str, float, str]]:
    branch, rules = Branch(model, load), Constraints(model)
    servers = [n * len(model.servers) // PROBES for n in range(PROBES)]

    yield "branch of the model", least(3, lambda: Branch(model, load)), "s"
    yield "legal hosts of one server", _asked(rules, branch, servers), "us"
    yield "one move applied and undone", _moved(branch, servers), "us"


def _asked(rules: Constraints, branch: Branch, servers: Sequence[int]) -> float:
    """CPU microseconds to find the legal hosts of one server."""

    def ask() -> None:
        for server in servers:
            rules.legal_hosts(branch, server)

    return least(3, ask) / len(servers) * 1e6


def _moved(branch: Branch, servers: Sequence[int]) -> float:
    """CPU microseconds to apply one move and to undo it."""

    def step() -> None:
        for server in servers:
            branch.move(server, 0)
            branch.undo()

    return least(3, step) / len(servers) * 1e6


def with_cells(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same cluster with two NUMA cells to a host, half of the servers asking for some."""
    hosts = [{**host, "pcpus": host["vcpus"], "numa": _halves(host)} for host in data["hosts"]]
    servers = [
        {**server, "extra_specs": WISHES[n // 2 % len(WISHES)]} if n % 2 else server
        for n, server in enumerate(data["instances"])
    ]
    return {"hosts": hosts, "instances": servers}


def _halves(host: Mapping[str, Any]) -> list[dict[str, object]]:
    cpus, memory = host["vcpus"] // 2, host["ram_mb"] // 2
    pages = {"2048": memory // 4, "1048576": 8}
    return [
        {"id": cell, "cpus": cpus, "pcpus": cpus, "memory_mb": memory, "pages": pages}
        for cell in (0, 1)
    ]


def measure_cells(data: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    """What NUMA cells cost the servers that ask for some: name, value, unit."""
    cluster = read_portable(with_cells(data))
    model = _build(cluster, ())
    branch = Branch(model)
    servers = [n for n in range(len(model.servers)) if model.servers.extra_specs[n]][:PROBES]

    for name, certain in (("with NUMA cells", False), ("with NUMA cells, for certain", True)):
        rules = Constraints(model, numa_certain=certain)
        yield f"legal hosts of one server {name}", _asked(rules, branch, servers), "us"
    yield "one move of a server with NUMA cells applied and undone", _moved(branch, servers), "us"


ORIGINAL = {
    (1000, 10000): {
        "model from rows": 0.606,
        "model to XML": 0.532,
        "model from XML": 1.20,
        "branch of the model": 1.39,
        "consolidation strategy": 6.63,
    },
    (5000, 50000): {
        "model from rows": 4.03,
        "model to XML": 2.97,
        "model from XML": 6.15,
        "branch of the model": 5.55,
        "consolidation strategy": 260.0,
    },
}
"""CPU seconds of the original at these sizes, measured by others on another cluster of this kind on
another machine of two cores; its branch is a deep copy. An order of magnitude, no more."""


def table(sizes: Sequence[tuple[int, int]]) -> Table:
    """Figures of generated clusters, a column each, beside the original's where there are any."""
    found = [
        {n: (v, u) for part in (measure, measure_cells) for n, v, u in part(synthetic(*size))}
        for size in sizes
    ]
    columns: list[str] = ["figure", "unit"]
    for hosts, servers in sizes:
        columns += [f"{hosts:,}/{servers:,}", "the original"]
    rows: list[tuple[Cell, ...]] = []
    for name, (_, unit) in found[0].items():
        row: list[Cell] = [name, unit]
        for size, figures in zip(sizes, found, strict=True):
            row += [figures[name][0], ORIGINAL.get(size, {}).get(name, "")]
        rows.append(tuple(row))
    return Table("The cluster core", tuple(columns), tuple(rows), NOTES)


NOTES = (
    (
        "CPU seconds of one process, the least of some repeats; hosts/servers are in the name. "
        "Memory is the process's peak resident set."
    ),
    (
        "*The original*: CPU seconds measured on an unmodified upstream with another generated "
        "cluster of the same kind on another machine with two cores: orders of magnitude. Its "
        "branch is a deep copy of the model."
    ),
)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=5000)
    parser.add_argument("--servers", type=int, default=50000)
    parser.add_argument("--cluster", type=Path)
    options = parser.parse_args()
    data = (
        json.loads(options.cluster.read_text())
        if options.cluster
        else synthetic(options.hosts, options.servers)
    )
    parts = (measure,) if options.cluster else (measure, measure_cells)
    for name, value, unit in (figure for part in parts for figure in part(data)):
        sys.stdout.write(f"{name:75} {value:12,.4f} {unit}\n")


if __name__ == "__main__":
    main()
