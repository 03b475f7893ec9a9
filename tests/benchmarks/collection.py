"""A whole collection of a large simulated cloud over HTTP: requests counted, time and CPU."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from application.cluster_models.kinds import COMPUTE
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import connect
from tests.benchmarks.cpu import cpu_seconds
from tests.benchmarks.report import Cell, Table
from tests.faults.crash.installation import Cloud

COLUMNS = ("figure", "value", "unit")
REPEATS = 3
SEED = 42


def run(*, quick: bool = False) -> Table:
    """Collections of 10,000 servers on 1,000 hosts (a tenth of it if it must be quick)."""
    hosts, servers = (100, 1000) if quick else (1000, 10000)
    with TemporaryDirectory() as folder:
        cloud = Cloud(Path(folder), speed=1.0)
        try:
            cloud.replace(hosts, servers, SEED)
            rows = _measured(cloud, hosts)
        finally:
            cloud.stop()
    return Table("Collection", COLUMNS, rows, _notes(hosts, servers))


def _measured(cloud: Cloud, hosts: int) -> tuple[tuple[Cell, ...], ...]:
    connection = connect("simulator", cloud.config)
    source = NovaCollector(connection)
    try:
        wall, cpu, theirs = [], [], cpu_seconds([cloud.pid])
        for _ in range(REPEATS):
            begun, used = time.monotonic(), time.process_time()
            model, problems, calls = COMPUTE.collect(source)
            wall.append(time.monotonic() - begun)
            cpu.append(time.process_time() - used)
    finally:
        connection.close()
    theirs = (cpu_seconds([cloud.pid]) - theirs) / REPEATS
    sizes = COMPUTE.sizes(model)
    return (
        ("servers", sizes["servers"], ""),
        ("hosts", sizes["hosts"], ""),
        ("records that could not be used", len(problems), ""),
        ("requests", calls, ""),
        ("requests per host", calls / hosts, ""),
        ("requests of the original, by its description: three per host and one", 3 * hosts + 1, ""),
        ("wall, least", min(wall), "s"),
        ("CPU of the collector, least", min(cpu), "s"),
        ("CPU of the simulated cloud, mean", theirs, "s"),
    )


def _notes(hosts: int, servers: int) -> tuple[str, ...]:
    return (
        (
            f"{servers:,} servers on {hosts:,} hosts: Nova in pages of 1,000, and what Placement "
            f"can only be asked host by host. {REPEATS} collections; the simulated cloud is a "
            "process on the same cores."
        ),
    )
