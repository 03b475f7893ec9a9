"""The compute model as a flat list, one row per host and server: the data-model API's form."""

from collections.abc import Mapping
from typing import Any

from domain.cluster.compute.model import ComputeModel

HOST_FIELDS: Mapping[str, str] = {
    "hostname": "name",
    "status": "status",
    "disabled_reason": "disabled_reason",
    "state": "state",
    "memory": "memory_mb",
    "memory_mb_reserved": "memory_reserved_mb",
    "disk": "disk_gb",
    "disk_gb_reserved": "disk_reserved_gb",
    "vcpus": "vcpus",
    "vcpu_reserved": "vcpus_reserved",
    "memory_ratio": "ram_ratio",
    "vcpu_ratio": "cpu_ratio",
    "disk_ratio": "disk_ratio",
    "uuid": "id",
}
"""Name of a host's field in the list and in XML → column."""
SERVER_FIELDS: Mapping[str, str] = {
    "watcher_exclude": "excluded",
    "name": "name",
    "state": "state",
    "memory": "memory_mb",
    "disk": "disk_gb",
    "vcpus": "vcpus",
    "metadata": "metadata",
    "project_id": "project_id",
    "locked": "locked",
    "host": "host",
    "hypervisor_hostname": "host",
    "created": "created_at",
    "pinned_az": "pinned_zone",
    "flavor_extra_specs": "extra_specs",
    "uuid": "id",
}
"""Name of a server's field in the list and in XML → column."""


def host_records(model: ComputeModel, prefix: str = "") -> list[dict[str, Any]]:
    """The fields of each host, their names with a prefix."""
    return model.hosts.records({prefix + name: column for name, column in HOST_FIELDS.items()})


def server_records(
    model: ComputeModel, prefix: str = "", *, placed: bool = True
) -> list[dict[str, Any]]:
    """The fields of each server that is on a host, or of each that is on none."""
    hosts = model.hosts
    servers = model.servers if placed else model.unplaced
    records = servers.records({prefix + name: column for name, column in SERVER_FIELDS.items()})
    host, hypervisor, zone = (
        prefix + name for name in ("host", "hypervisor_hostname", "pinned_az")
    )
    for record in records:
        at = record[host]
        record[host] = hosts.name[at] if placed else None
        record[hypervisor] = hosts.hypervisor_hostname[at] if placed else None
        record[zone] = record[zone] or ""
    return records


def to_list(model: ComputeModel) -> list[dict[str, object]]:
    """One row per host and server, by host id, then server id; one for a host without servers.

    Keys are ``node_<field>`` and ``server_<field>``. No two rows share a mutable value.
    """
    residents: list[list[dict[str, object]]] = [[] for _ in model.hosts.id]
    servers = server_records(model, "server_")
    for server, host in zip(servers, model.servers.host.tolist(), strict=True):
        residents[host].append(server)
    return [
        {**node, **server}
        for node, inside in zip(host_records(model, "node_"), residents, strict=True)
        for server in inside or [{}]
    ]
