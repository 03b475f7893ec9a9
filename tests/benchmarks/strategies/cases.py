"""Strategies with parameters, as both sides of a comparison run them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

Data = dict[str, Any]

CASES = (
    "vm_workload_consolidation",
    "basic",
    "node_resource_consolidation/auto",
    "node_resource_consolidation/specify",
    "workload_stabilization",
    "workload_balance",
    "workload_balance/iterated",
    "host_maintenance",
    "host_maintenance/backup",
    "zone_migration",
    "zone_migration/unlimited",
    "saving_energy/dict",
)
"""Names that the original's runner knows."""
UNLIMITED = 10**9
SPARES = 1.0
"""% of the hosts with servers that saving_energy leaves on."""


def parameters_of(case: str, data: Data, migrations: int) -> tuple[str, Mapping[str, object]]:
    """The strategy of a case and its parameters: those that the original's runner gives it.

    Args:
        case: of ``CASES``, or the name of a strategy.
        data: a cluster file.
        migrations: those of the original's plan, if the case is limited to as many; 0: no limit.
    """
    name, _, variant = case.partition("/")
    given: Mapping[str, object] = {}
    match name:
        case "node_resource_consolidation":
            given = {"host_choice": variant or "auto"}
        case "workload_balance":
            given = {"max_migrations": migrations}
        case "host_maintenance":
            given = _maintenance(data, backup=variant == "backup")
        case "zone_migration":
            limits = ("parallel_total", "parallel_per_node") if variant == "unlimited" else ()
            given = {"compute_nodes": _zone(data), **dict.fromkeys(limits, UNLIMITED)}
        case "saving_energy":
            given = {"free_used_percent": SPARES}
        case "actuator":
            action = {"action_type": "nop", "input_parameters": {"message": "hello"}}
            given = {"actions": [action]}
    return name, given


def with_nodes(data: Data) -> Data:
    """The cluster with a bare-metal node for each host, all switched on."""
    nodes = [
        {
            "id": f"node-{host['id']}",
            "power_state": "power on",
            "provision_state": "active",
            "extra": {"compute_node_id": host["id"]},
        }
        for host in data["hosts"]
    ]
    return {**data, "nodes": nodes}


def _zone(data: Data) -> list[Data]:
    """The first tenth of the hosts, of those with servers."""
    count = _servers(data)
    used = [host["name"] for host in data["hosts"] if count[host["id"]]]
    return [{"src_node": name} for name in used[: max(1, len(data["hosts"]) // 10)]]


def _maintenance(data: Data, *, backup: bool) -> Data:
    """The host with most servers; with a backup, one that fits into the largest empty host."""
    count, hosts = _servers(data), data["hosts"]
    if not backup:
        return {"maintenance_node": _busiest(hosts, count)["name"]}
    spare = max((one for one in hosts if not count[one["id"]]), key=lambda one: one["vcpus"])
    small = [one for one in hosts if one["vcpus"] <= spare["vcpus"]]
    return {"maintenance_node": _busiest(small, count)["name"], "backup_node": spare["name"]}


def _busiest(hosts: list[Data], count: Counter[str]) -> Data:
    return max(hosts, key=lambda one: (count[one["id"]], one["id"]))


def _servers(data: Data) -> Counter[str]:
    return Counter(server["host"] for server in data["instances"])
