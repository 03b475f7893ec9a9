"""The model as a flat list, one row per host and server: the data-model API's form."""

from collections.abc import Mapping

from domain.cluster.compute.model import ComputeModel


def host_fields(model: ComputeModel, host: int) -> dict[str, object]:
    """The fields of a host, under the names and in the order of the XML form."""
    hosts = model.hosts
    return {
        "hostname": hosts.name[host],
        "status": hosts.status[host],
        "disabled_reason": hosts.disabled_reason[host],
        "state": hosts.state[host],
        "memory": int(hosts.memory_mb[host]),
        "memory_mb_reserved": int(hosts.memory_reserved_mb[host]),
        "disk": int(hosts.disk_gb[host]),
        "disk_gb_reserved": int(hosts.disk_reserved_gb[host]),
        "vcpus": int(hosts.vcpus[host]),
        "vcpu_reserved": int(hosts.vcpus_reserved[host]),
        "memory_ratio": float(hosts.ram_ratio[host]),
        "vcpu_ratio": float(hosts.cpu_ratio[host]),
        "disk_ratio": float(hosts.disk_ratio[host]),
        "uuid": hosts.id[host],
    }


def server_fields(model: ComputeModel, server: int, *, placed: bool = True) -> dict[str, object]:
    """The fields of a server, under the names and in the order of the XML form.

    Args:
        model: the model.
        server: index in the table of servers, or in that of unplaced ones.
        placed: which of the two tables.
    """
    servers = model.servers if placed else model.unplaced
    host = int(servers.host[server])
    return {
        "watcher_exclude": bool(servers.excluded[server]),
        "name": servers.name[server],
        "state": servers.state[server],
        "memory": int(servers.memory_mb[server]),
        "disk": int(servers.disk_gb[server]),
        "vcpus": int(servers.vcpus[server]),
        "metadata": _plain(servers.metadata[server]),
        "project_id": servers.project_id[server],
        "locked": bool(servers.locked[server]),
        "host": model.hosts.name[host] if placed else None,
        "hypervisor_hostname": model.hosts.hypervisor_hostname[host] if placed else None,
        "created": servers.created_at[server],
        "pinned_az": servers.pinned_zone[server] or "",
        "flavor_extra_specs": _plain(servers.extra_specs[server]),
        "uuid": servers.id[server],
    }


def to_list(model: ComputeModel) -> list[dict[str, object]]:
    """One row per host and server, by host id, then server id; one for a host without servers.

    Keys are ``node_<field>`` and ``server_<field>``. Rows share nothing with each other.
    """
    residents: list[list[int]] = [[] for _ in model.hosts.id]
    for server, host in enumerate(model.servers.host):
        residents[int(host)].append(server)
    rows: list[dict[str, object]] = []
    for host, servers in enumerate(residents):
        node = {f"node_{key}": value for key, value in host_fields(model, host).items()}
        if not servers:
            rows.append(node)
        for server in servers:
            fields = server_fields(model, server)
            rows.append({**node, **{f"server_{key}": value for key, value in fields.items()}})
    return rows


def _plain(value: Mapping[str, str]) -> dict[str, str]:
    return {key: value[key] for key in sorted(value)}
