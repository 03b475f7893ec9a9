"""Clusters for tests, in the portable form of cluster files (docs/cluster-file.md)."""

from typing import Any

from infrastructure.simulator.core.clock import SimulatedClock
from infrastructure.simulator.core.generate import generate
from infrastructure.simulator.core.model import Cluster, Host, Server

Record = dict[str, Any]


def generated_cluster(
    seed: int = 1, hosts: int = 12, servers: int = 80, *, measured: bool = True
) -> Record:
    """A cluster with zones, server groups, a disabled host, and stopped and locked servers.

    The same numbers give the same cluster.

    Args:
        seed: any integer.
        hosts: number of hosts.
        servers: number of servers.
        measured: whether the use of CPU and memory is known.
    """
    made = generate(hosts, servers, seed, SimulatedClock())
    data: Record = {
        "hosts": [_host(one) for one in made.hosts],
        "instances": [_server(one, made) for one in made.servers],
        "groups": [
            {"id": one.id, "name": one.name, "policy": one.policy, "members": one.members}
            for one in made.groups
        ],
    }
    if measured:
        _add_use(data, made)
    return data


def _host(one: Host) -> Record:
    return {
        "id": one.id,
        "name": one.name,
        "vcpus": one.vcpus,
        "ram_mb": one.ram_mb,
        "disk_gb": one.disk_gb,
        "cpu_ratio": one.cpu_ratio,
        "ram_reserved_mb": one.ram_reserved_mb,
        "zone": one.zone,
        "status": one.status,
        "disabled_reason": one.disabled_reason,
    }


def _server(one: Server, cluster: Cluster) -> Record:
    flavor = next(flavor for flavor in cluster.flavors if flavor.id == one.flavor)
    hosts = {host.name: host.id for host in cluster.hosts}
    return {
        "id": one.id,
        "name": one.name,
        "host": hosts[one.host],
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "ram_mb": flavor.ram_mb,
        "disk_gb": flavor.disk_gb,
        "project": one.project_id,
        "state": one.vm_state,
        "locked": one.locked,
        "pinned_zone": one.pinned_zone,
    }


def _add_use(data: Record, cluster: Cluster) -> None:
    cores = {host.name: host.base_cores for host in cluster.hosts}
    memory = {host.name: host.base_ram_mb for host in cluster.hosts}
    for record, one in zip(data["instances"], cluster.servers, strict=True):
        use = one.load.cores if one.running else 0.0
        record["cpu_util_pct"] = 100.0 * use / record["vcpus"]
        record["ram_used_mb"] = one.load.ram_mb if one.running else 0.0
        cores[one.host] += use
        memory[one.host] += record["ram_used_mb"]
    for record in data["hosts"]:
        record["cpu_util_pct"] = 100.0 * cores[record["name"]] / record["vcpus"]
        record["ram_used_mb"] = memory[record["name"]]
