"""Random clouds as cluster files: with all metrics, a plan can be applied and measured again."""

import json
import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from random import Random
from typing import Any

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.cluster_file import write_cluster
from domain.plans.proposal import ProposedAction
from tests.properties.cluster import generate
from tests.properties.cluster.test_zones import storage

Cloud = dict[str, Any]


def cloud(rng: Random) -> Cloud:
    """A cloud whose hosts use what their servers use; those of unknown use, all they may.

    No host has NUMA cells: those of a server that has moved are unknown.
    """
    hosts, servers, groups, aggregates = generate.rows(rng, cells=False)
    empty = {one.name for one in hosts if rng.random() < 0.25}
    placed = [one for one in servers if one.host not in empty]
    model, _ = ComputeModel.build(hosts, placed, groups, aggregates)
    nodes = [_node(rng, host) for host in model.hosts.id if rng.random() < 0.9]
    data: Cloud = write_cluster(
        model, baremetal=BaremetalModel.build(nodes)[0], storage=storage(rng, model)
    )
    known = rng.choice((0.0, 0.8, 1.0, 1.0))
    for row in data["instances"]:
        if row["state"] == "stopped":
            row["cpu_util_pct"] = row["ram_used_mb"] = 0.0
        elif rng.random() < known:
            row["cpu_util_pct"] = rng.choice((0.0, 5.0, 30.0, 95.0))
            row["ram_used_mb"] = float(rng.randrange(int(row["ram_mb"]) + 1))
    data["metrics"] = _metrics(rng, model)
    return measured(data)


def _node(rng: Random, host: str) -> BaremetalNodeRow:
    state = rng.choice(("power on", "power on", "power off"))
    extra = {"compute_node_id": host}
    return BaremetalNodeRow(f"node-{host}", power_state=state, maintenance=False, extra=extra)


def _metrics(rng: Random, model: ComputeModel) -> dict[str, dict[str, float]]:
    def of(ids: Iterable[str], *values: float) -> dict[str, float]:
        return {one: rng.choice(values) for one in ids if rng.random() < 0.9}

    hosts, servers = model.hosts.id, model.servers.id
    return {
        "host_outlet_temp": of(hosts, 22.0, 31.0, 33.0, 40.0),
        "host_airflow": of(hosts, 80.0, 250.0, 600.0),
        "host_inlet_temp": of(hosts, 20.0, 30.0),
        "host_power": of(hosts, 200.0, 400.0),
        "instance_l3_cache_usage": of(servers, 0.0, 2e6, 8e6),
        "instance_l3_cache_usage@200": of(servers, 0.0, 2e6, 6e6),
    }


def measured(data: Cloud) -> Cloud:
    """The cloud with the use of its hosts: % of all cores, MB."""
    for host in data["hosts"]:
        inside = [one for one in data["instances"] if one["host"] == host["id"]]
        cores = sum(one.get("cpu_util_pct", 100.0) / 100 * (one["vcpus"] or 0) for one in inside)
        host["cpu_util_pct"] = 100.0 * cores / (host["vcpus"] + host["pcpus"])
        host["ram_used_mb"] = sum(one.get("ram_used_mb", one["ram_mb"]) for one in inside)
    return data


def after(data: Cloud, actions: Iterable[ProposedAction]) -> Cloud:
    """The cloud once the actions are done."""
    found = deepcopy(data)
    hosts = {row["name"]: row for row in found["hosts"]}
    rows = {row["id"]: row for row in (*found["instances"], *found["nodes"])}
    pools = {row["name"]: row for row in found["storage"]["pools"]}
    volumes = {row["id"]: row for row in found["storage"]["volumes"]}
    for action in actions:
        given: Any = action.parameters
        match action.type:
            case "migrate":
                rows[action.resource_id]["host"] = hosts[given["destination_node"]]["id"]
            case "stop":
                rows[action.resource_id]["state"] = "stopped"
            case "change_nova_service_state":
                reason = given.get("disabled_reason")
                hosts[given["resource_name"]] |= {"disabled_reason": reason}
                hosts[given["resource_name"]]["status"] = given["state"]
            case "change_node_power_state":
                rows[action.resource_id]["power_state"] = f"power {given['state']}"
                up = {"on": "up", "off": "down"}[given["state"]]
                hosts[given["resource_name"]]["state"] = up
            case "volume_migrate":
                facts: Any = action.because.facts
                volume = volumes[action.resource_id]
                volume["volume_type"] = given.get("destination_type", volume["volume_type"])
                _carry(volume, pools[volume["pool"]], pools[facts["destination"]])
    return measured(found)


def _carry(volume: Cloud, source: Cloud, destination: Cloud) -> None:
    for pool, more in ((source, -volume["size_gb"]), (destination, volume["size_gb"])):
        for name in ("free_gb", "virtual_free_gb", "allocated_gb", "provisioned_gb"):
            if isinstance(pool[name], float | int):
                pool[name] = max(0, pool[name] + (-more if "free" in name else more))
    volume["pool"] = destination["name"]


def with_empty_host(data: Cloud) -> Cloud:
    """The cloud with a host in service: like the first, but empty, cool and with a node."""
    found = deepcopy(data)
    host = {**found["hosts"][0], "id": "h9", "name": "c9", "hypervisor_hostname": "c9"}
    host |= {"state": "up", "status": "enabled", "disabled_reason": None}
    host |= {"other_allocations": {}, "unseen": 0}
    found["hosts"].append(host)
    node = {"id": "node-h9", "power_state": "power on", "maintenance": False}
    found["nodes"].append({**node, "extra": {"compute_node_id": "h9"}})
    cool = {"host_outlet_temp": 20.0, "host_airflow": 50.0, "host_inlet_temp": 20.0}
    for name, value in {**cool, "host_power": 300.0}.items():
        found["metrics"][name]["h9"] = value
    return measured(found)


def renaming(data: Cloud) -> Callable[[Any], Any]:
    """Gives JSON other names, in the same order, of all that a cloud has but its pools."""
    lists = [data[name] for name in ("hosts", "instances", "groups", "nodes")]
    rows = [row for rows in (*lists, data["storage"]["volumes"]) for row in rows]
    keys = ("id", "name", "hypervisor_hostname")
    known = {row[key] for row in rows for key in keys if row.get(key)}
    longest_first = "|".join(sorted(known, key=len, reverse=True))
    pattern = re.compile(rf"\b({longest_first})\b")
    return lambda value: json.loads(pattern.sub(r"other-\1", json.dumps(value)))


def shuffle(data: Cloud, rng: Random) -> None:
    """Puts the rows of all lists in another order."""
    for part in (data, data["storage"]):
        for rows in part.values():
            if isinstance(rows, list):
                rng.shuffle(rows)
