"""Collections of a large simulated cloud over HTTP: requests counted, time and CPU.

First everything is read; then what changed, after a share of the hosts or servers has changed.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from openstack.connection import Connection

from application.cluster_models.kinds import COMPUTE
from application.ports.cloud import CloudRefused
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import Json, compute
from tests.benchmarks.cpu import cpu_seconds
from tests.benchmarks.report import Cell, Table
from tests.faults.crash.installation import Cloud

COLUMNS = ("since the last collection", "requests", "s", "CPU s", "CPU s of the cloud")
REPEATS = 3
SEED = 42
SPEED = 100.0


def run(*, quick: bool = False) -> Table:
    """Collections of 10,000 servers on 1,000 hosts (a tenth of it if it must be quick)."""
    hosts, servers = (100, 1000) if quick else (1000, 10000)
    with TemporaryDirectory() as folder:
        cloud = Cloud(Path(folder), speed=SPEED)
        try:
            cloud.replace(hosts, servers, SEED)
            rows = _measured(cloud)
        finally:
            cloud.stop()
    return Table("Collection", COLUMNS, rows, _notes(hosts, servers))


def _measured(cloud: Cloud) -> tuple[tuple[Cell, ...], ...]:
    connection = connect("simulator", cloud.config)
    source = NovaCollector(connection, interval=float("inf"))
    client = Client(connection)
    try:
        whole = [_collected(cloud, NovaCollector(connection)) for _ in range(REPEATS)]
        _collected(cloud, source)
        found = {"everything": min(whole, key=lambda one: one.cpu)}
        for what, change in client.changes().items():
            change()
            found[what] = _collected(cloud, source)
    finally:
        connection.close()
    return tuple((what, one.requests, one.wall, one.cpu, one.theirs) for what, one in found.items())


@dataclass(frozen=True)
class Cost:
    """What a collection took; ``theirs``: CPU of the simulated cloud."""

    requests: int
    wall: float
    cpu: float
    theirs: float


def _collected(cloud: Cloud, source: NovaCollector) -> Cost:
    theirs = cpu_seconds([cloud.pid])
    begun, used = time.monotonic(), time.process_time()
    _, _, rows = COMPUTE.collect(source)
    return Cost(
        rows.calls,
        time.monotonic() - begun,
        time.process_time() - used,
        cpu_seconds([cloud.pid]) - theirs,
    )


class Client:
    """Changes the cloud."""

    def __init__(self, connection: Connection) -> None:
        self._nova = compute(connection, ConnectionLimits())
        self._services = self._nova.get_list("/os-services", "services", {"binary": "nova-compute"})
        self._servers = self._nova.list_all("/servers", "servers", {"all_tenants": "true"})

    def changes(self) -> Mapping[str, Callable[[], None]]:
        """What to do before each collection, by its name."""
        hosts, servers = len(self._services), len(self._servers)
        return {
            "nothing changed": lambda: None,
            "1 % of the hosts changed": lambda: self._disable(hosts // 100),
            "10 % of the hosts changed": lambda: self._disable(hosts // 10),
            "1 % of the servers stopped": lambda: self._stop(servers // 100),
            "1 % of the servers migrated": lambda: self._migrate(servers // 100),
        }

    def _disable(self, count: int) -> None:
        for service in self._services[:count]:
            body = {"status": "disabled", "disabled_reason": str(count)}
            self._nova.send_once("PUT", f"/os-services/{service['id']}", body)

    def _stop(self, count: int) -> None:
        for server in self._servers[:count]:
            with suppress(CloudRefused):
                self._act(server, {"os-stop": None})

    def _migrate(self, count: int) -> None:
        left = count
        for server in self._servers[count:]:
            with suppress(CloudRefused):
                self._act(server, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
                left -= 1
            if not left:
                break
        migrating = {"status": "MIGRATING", "all_tenants": "true"}
        while self._nova.get_list("/servers", "servers", migrating):
            time.sleep(0.1)

    def _act(self, server: Json, action: Json) -> None:
        self._nova.send_once("POST", f"/servers/{server['id']}/action", action, version="2.30")


def _notes(hosts: int, servers: int) -> tuple[str, ...]:
    return (
        (
            f"{servers:,} servers on {hosts:,} hosts: Nova in pages of 1,000, and what Placement "
            "can only be asked host by host. The simulated cloud is a process on the same cores. "
            f"The original reads three parts per host and a list, by its description: "
            f"{3 * hosts + 1:,} requests."
        ),
        "A host that changed costs three requests; a migration changes two hosts.",
    )
