"""Ground on the simulator: a small cluster made for the suite, and faults."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import requests
from openstack.connection import Connection

from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import compute
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from tests.conformance.actions.ground import Case, host_of

Json = dict[str, Any]
_FLAVORS = {
    "small": {"vcpus": 1, "ram_mb": 512, "disk_gb": 1},
    "bigger": {"vcpus": 2, "ram_mb": 1024, "disk_gb": 1},
    "large": {"vcpus": 1, "ram_mb": 8192, "disk_gb": 1},
}
_ROOMY = ("a1", "a2", "a3")
_SERVERS = {
    "movable": "a1",
    "another": "a1",
    "apart-1": "a1",
    "apart-2": "a2",
    "pinned": "a1",
    "large": "a3",
    "disposable": "a3",
}


def uuid_of(name: str) -> str:
    """The id of something in the cluster."""
    return str(uuid5(NAMESPACE_DNS, f"{name}.conformance"))


def cluster() -> Json:
    """The cluster file: zone a with three roomy hosts and a tiny one, zone b with one."""
    return {
        "hosts": [
            *(_host(name, "a") for name in _ROOMY),
            _host("tiny", "a", ram_mb=4096),
            _host("b1", "b"),
        ],
        "instances": [_server(name, host) for name, host in _SERVERS.items()],
        "groups": [
            {
                "name": "apart",
                "policy": "anti-affinity",
                "members": [uuid_of("apart-1"), uuid_of("apart-2")],
            }
        ],
        "flavors": [{"name": name, "id": name, **size} for name, size in _FLAVORS.items()],
    }


def _host(name: str, zone: str, ram_mb: int = 65536) -> Json:
    size = {"vcpus": 16, "ram_mb": ram_mb, "disk_gb": 1000}
    return {"id": uuid_of(name), "name": name, "zone": zone, **size}


def _server(name: str, host: str) -> Json:
    flavor = "large" if name == "large" else "small"
    return {
        "id": uuid_of(name),
        "name": name,
        "host": uuid_of(host),
        "flavor": flavor,
        "cpu_util_pct": 10.0,
        "pinned_zone": "a" if name == "pinned" else None,
        **_FLAVORS[flavor],
    }


class SimulatedGround:
    """A simulator of one's own."""

    def __init__(self, directory: Path, limits: ConnectionLimits, *, speed: float = 20.0) -> None:
        file = directory / "cluster.json"
        file.write_text(json.dumps(cluster()), encoding="utf-8")
        self._simulator = Simulator(SimulatorConfig(cluster_file=file, speed=speed))
        self._simulator.start()
        config = directory / "clouds.yaml"
        config.write_text(clouds_yaml(self._simulator.base_url), encoding="utf-8")
        self.connection: Connection = connect("simulator", config, limits)
        self.nova = compute(self.connection, limits)

    def close(self) -> None:
        """Stops the simulator."""
        self.connection.session.session.close()
        self._simulator.stop()

    def movable(self) -> Case:
        return self._case("movable")

    def another(self) -> Case:
        return self._case("another")

    def disposable(self) -> str:
        return uuid_of("disposable")

    def kept_apart(self) -> Case:
        return Case(
            uuid_of("apart-1"),
            host_of(self.nova, uuid_of("apart-1")),
            host_of(self.nova, uuid_of("apart-2")),
        )

    def pinned(self) -> Case:
        return Case(uuid_of("pinned"), host_of(self.nova, uuid_of("pinned")), "b1")

    def too_large(self) -> Case:
        return Case(uuid_of("large"), host_of(self.nova, uuid_of("large")), "tiny")

    def bigger_flavor(self) -> tuple[str, str]:
        return "bigger", "bigger"

    def spare_host(self) -> str:
        return "tiny"

    @contextmanager
    def failing(self, server: str) -> Iterator[None]:
        with self.fault(kind="migration", outcome="fail", server=server):
            yield

    @contextmanager
    def slow(self, server: str) -> Iterator[None]:
        with self.fault(kind="migration", outcome="hang", server=server):
            yield

    @contextmanager
    def fault(self, **rule: object) -> Iterator[None]:
        """A fault rule, while it lasts."""
        url = f"{self._simulator.base_url}/vigil/faults"
        headers = {"X-Auth-Token": self.connection.session.get_token()}
        made = requests.post(url, json=rule, headers=headers, timeout=10)
        made.raise_for_status()
        try:
            yield
        finally:
            # a rule that has done its work is gone already
            requests.delete(url, headers=headers, timeout=10)

    def _case(self, name: str) -> Case:
        source = host_of(self.nova, uuid_of(name))
        return Case(uuid_of(name), source, next(host for host in _ROOMY if host != source))
