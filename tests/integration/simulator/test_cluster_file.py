"""Clusters from a file: the portable form, and what is said about a wrong one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.cluster_file import load_cluster
from tests.integration.simulator.clients import IDS, small_cloud


def _neutral() -> dict[str, Any]:
    host = {"vcpus": 16, "ram_mb": 65536, "disk_gb": 100}
    instance = {"flavor": "f", "vcpus": 2, "ram_mb": 4096, "disk_gb": 20}
    return {
        "hosts": [host | {"id": f"h{n}", "name": f"host-{n}"} for n in range(2)],
        "instances": [
            instance | {"id": "i0", "name": "vm-0", "host": "h0", "cpu_util_pct": 50.0},
            instance | {"id": "i1", "name": "vm-1", "host": "host-1", "ram_used_mb": 1000},
        ],
    }


def _written(folder: Path, raw: object) -> Path:
    file = folder / "cluster.json"
    file.write_text(json.dumps(raw))
    return file


def test_sizes_and_loads_are_enough(tmp_path: Path) -> None:
    cluster = load_cluster(_written(tmp_path, _neutral()), SimulatedClock())
    assert [(s.host, s.vm_state) for s in cluster.servers] == [
        ("host-0", "active"),
        ("host-1", "active"),
    ]
    assert cluster.servers[0].load.cores == 1.0
    assert cluster.servers[1].load.ram_mb == 1000
    assert cluster.hosts[0].capacity == (64.0, 65536.0, 100.0)
    assert len(cluster.flavors) == 1


def test_a_server_without_a_flavor_gets_one_of_its_size(tmp_path: Path) -> None:
    """Strategies run on such a file (docs/cluster-file.md), but the simulator refused it."""
    raw = _neutral()
    del raw["instances"][0]["flavor"]
    raw["instances"][1].update(flavor="", vcpus=8)
    cluster = load_cluster(_written(tmp_path, raw), SimulatedClock())
    first, second = raw["instances"]
    names = [f"{s['vcpus']}-{s['ram_mb']}-{s['disk_gb']}" for s in (first, second)]
    assert sorted(flavor.name for flavor in cluster.flavors) == sorted(names)
    assert sorted(flavor.vcpus for flavor in cluster.flavors) == [first["vcpus"], 8]


def test_words_of_closed_lists_are_read_in_any_case(tmp_path: Path) -> None:
    """A host in state UP was down, and a group with the policy anti_affinity had none."""
    raw = _neutral()
    raw["hosts"][0].update(state="UP", status="Enabled")
    raw["groups"] = [{"name": "g", "policy": "Anti_Affinity", "members": ["i0", "i1"]}]
    cluster = load_cluster(_written(tmp_path, raw), SimulatedClock())
    assert (cluster.hosts[0].alive, cluster.hosts[0].status) == (True, "enabled")
    assert cluster.groups[0].policy == "anti-affinity"


def test_zones_groups_locks_and_pins_are_read(tmp_path: Path) -> None:
    cluster = load_cluster(small_cloud(tmp_path), SimulatedClock())
    servers = {s.id: s for s in cluster.servers}
    assert servers[IDS["kept"]].locked_reason == "mine"
    assert servers[IDS["pinned"]].pinned_zone == "b"
    assert servers[IDS["asleep"]].vm_state == "stopped"
    assert {h.zone for h in cluster.hosts} == {"a", "b"}
    zones = [a.metadata["availability_zone"] for a in cluster.aggregates]
    assert zones == ["a", "b"]


Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.pop("hosts"), "missing key 'hosts'"),
        (lambda c: c["hosts"][0].pop("vcpus"), "missing key 'vcpus'"),
        (lambda c: c["instances"][0].update(host="nowhere"), "nowhere, which is no host"),
        (lambda c: c["instances"][0].update(state="burning"), "is burning"),
        (lambda c: c["hosts"][0].update(state="running"), "state of host h0 is running"),
        (lambda c: c["hosts"][0].update(status="on"), "status of host h0 is on"),
        (
            lambda c: c.update(groups=[{"name": "g", "policy": "apart", "members": ["i0"]}]),
            "policy of group g is apart",
        ),
        (lambda c: c["instances"][0].update(vcpus=3), "another size than flavor f"),
        (lambda c: c["instances"][1].update(id="i0"), "same id"),
        (
            lambda c: c.update(groups=[{"name": "g", "policy": "affinity", "members": ["x"]}]),
            "x, which is no instance",
        ),
        (lambda c: c.update(aggregates=[{"name": "a", "hosts": ["y"]}]), "y, which is no host"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, spoil: Spoil, message: str) -> None:
    raw = _neutral()
    spoil(raw)
    with pytest.raises(ValueError, match=message) as caught:
        load_cluster(_written(tmp_path, raw), SimulatedClock())
    assert str(caught.value).startswith("cluster.json: ")
