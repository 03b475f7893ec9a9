"""What a process per run costs: ``python -m tests.benchmarks isolation``."""

from collections.abc import Callable
from functools import partial
from time import perf_counter

from domain.cluster.formats.cluster_file import ClusterFile, read_cluster
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from interfaces.bootstrap.strategies import direct_runner
from tests.benchmarks.cluster_core import synthetic
from tests.benchmarks.report import Cell, Table
from tests.benchmarks.samples import quantile
from tests.world.decisions import decision_record, small_cluster
from tests.world.plugins import STRATEGIES

SIZES = ((100, 1000), (1000, 10000))
"""Hosts, servers."""
REPEATS = 9
LIMITS = ProcessLimits(seconds=300, memory=2048)


def run(*, quick: bool = False) -> Table:
    """Runs of several sizes, in this process and in others (the first size only, if quick)."""
    runner = ProcessRunner(direct_runner, LIMITS)
    begun = perf_counter()
    runner.run(decision_record(STRATEGIES["dummy"]))
    first = perf_counter() - begun
    cases = [("dummy, 2 servers", "dummy", small_cluster())]
    cases += [
        (
            f"consolidation, {servers:,} servers",
            "vm_workload_consolidation",
            read_cluster(synthetic(hosts, servers)),
        )
        for hosts, servers in (SIZES[:1] if quick else SIZES)
    ]
    rows = [_row(runner, *case) for case in cases]
    runner.close()
    return Table(
        "A process per run",
        ("run", "in the same process, ms", "in a process of its own, ms", "ratio", "added, ms"),
        tuple(rows),
        (
            (
                f"Wall time from the stored record to the plan, median of {REPEATS}; the others "
                "include the fork, the record sent to the process and the plan sent back."
            ),
            f"The first run also waits until the strategies are loaded: {first:.2f} s here.",
        ),
    )


def _row(runner: ProcessRunner, name: str, strategy: str, cluster: ClusterFile) -> tuple[Cell, ...]:
    content = decision_record(STRATEGIES[strategy], cluster)
    here = _median(partial(direct_runner().run, content))
    there = _median(partial(runner.run, content))
    return name, here, there, there / here, there - here


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return 1000 * quantile(times, 0.5)
