"""A cloud with a zone for each strategy, so that all sixteen have something to do at once."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from domain.optimization.strategies.dummy_with_resize import (
    DESTINATION,
    FLAVOR,
    MIGRATED,
    RESIZED,
    SOURCE,
)

Json = dict[str, Any]
FLAVORS = {"x1": (1, 1024, 10), FLAVOR: (2, 2048, 20), "m4": (4, 8192, 40)}
"""Flavor → vCPUs, MiB, GB."""
PERIOD = 400.0
"""Seconds in which the load of a noisy server rises and falls once."""


def identity(name: str) -> str:
    """The id of a host or server."""
    return str(uuid5(NAMESPACE_DNS, f"{name}.sixteen"))


def cluster() -> Json:
    """The cluster file: zone → host → servers, each with flavor and CPU use in %."""
    hosts: list[Json] = []
    servers: list[Json] = []
    for zone, placed in ZONES.items():
        for host, residents in placed.items():
            vcpus = 8 if zone == "noise" else 16
            hosts.append(_host(host, zone, vcpus))
            servers += [{**server, "host": identity(host)} for server in residents]
    flavors = [
        {"id": name, "name": name, "vcpus": vcpus, "ram_mb": ram, "disk_gb": disk}
        for name, (vcpus, ram, disk) in FLAVORS.items()
    ]
    return {"meta": {"seed": 5}, "hosts": hosts, "instances": servers, "flavors": flavors}


def _host(name: str, zone: str, vcpus: int) -> Json:
    size = {"vcpus": vcpus, "ram_mb": 65536, "disk_gb": 2000}
    return {"id": identity(name), "name": name, "zone": zone, **size}


def _server(name: str, flavor: str, percent: float, **more: object) -> Json:
    vcpus, ram, disk = FLAVORS[flavor]
    return {
        "id": identity(name),
        "name": name,
        "flavor": flavor,
        "vcpus": vcpus,
        "ram_mb": ram,
        "disk_gb": disk,
        "cpu_util_pct": percent,
        "ram_used_mb": ram / 2,
        **more,
    }


def _noise(number: int) -> list[Json]:
    """A server with a constant load, and a less important one whose load rises and falls."""
    since = PERIOD * number / 4
    swing = {"cpu_swing_pct": 47.0, "period_s": PERIOD, "phase_s": since}
    return [
        _server(f"victim-{number}", "m4", 50.0, metadata={"watcher-priority": "1"}),
        _server(f"noisy-{number}", "m4", 50.0, metadata={"watcher-priority": "9"}, **swing),
    ]


ZONES: dict[str, dict[str, list[Json]]] = {
    "dummies": {
        SOURCE: [
            _server("dummy-1", "x1", 10.0, id=MIGRATED),
            _server("dummy-2", "x1", 10.0, id=RESIZED),
        ],
        DESTINATION: [],
    },
    "actuator": {"actuator-1": [_server("acted-on", "x1", 10.0)], "actuator-2": []},
    "basic": {
        "basic-1": [_server("basic-1a", "m4", 20.0)],
        "basic-2": [_server("basic-2a", "m4", 60.0), _server("basic-2b", "m4", 60.0)],
    },
    "heat": {
        "heat-1": [_server(f"heat-1{one}", "m4", 95.0) for one in "abcd"],
        "heat-2": [],
    },
    "energy": {"energy-1": [_server("energy-1a", "x1", 10.0)], "energy-2": [], "energy-3": []},
    "consolidation": {
        "consolidation-1": [_server("consolidation-1a", "m4", 20.0)],
        "consolidation-2": [_server(f"consolidation-2{one}", "m4", 30.0) for one in "ab"],
    },
    "stabilization": {
        "stabilization-1": [_server(f"stabilization-1{one}", "m4", 60.0) for one in "abcd"],
        "stabilization-2": [],
    },
    "balance": {
        "balance-1": [_server(f"balance-1{one}", "m4", 60.0) for one in "abcd"],
        "balance-2": [],
    },
    "airflow": {
        "airflow-1": [_server(f"airflow-1{one}", "m4", 95.0) for one in "abcd"],
        "airflow-2": [],
    },
    "noise": {**{f"noise-{number}": _noise(number) for number in range(4)}, "noise-quiet": []},
    "upgrade": {
        "upgrade-1": [_server("upgrade-1a", "x1", 10.0), _server("upgrade-1b", "x1", 10.0)],
        "upgrade-2": [],
    },
    "maintenance": {
        "maintenance-1": [
            _server("maintenance-1a", "x1", 10.0),
            _server("maintenance-1b", "x1", 0.0, state="stopped"),
        ],
        "maintenance-2": [],
    },
    "resources": {
        "resources-1": [_server("resources-1a", "m4", 20.0)],
        "resources-2": [_server(f"resources-2{one}", "m4", 30.0) for one in "ab"],
    },
}
