"""The storage model as a flat list, one row per backend, pool and volume."""

import math

from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel


def node_fields(model: StorageModel, node: int) -> dict[str, object]:
    """The fields of a backend, under the names and in the order of the XML form."""
    nodes = model.nodes
    return {
        "host": nodes.host[node],
        "zone": nodes.zone[node],
        "status": nodes.status[node],
        "state": nodes.state[node],
        "volume_type": list(nodes.volume_types[node]),
        "uuid": "",
        "human_id": "",
    }


def pool_fields(model: StorageModel, pool: int) -> dict[str, object]:
    """The fields of a pool. What is not known is left out; ``infinite`` has no limit."""
    pools = model.pools
    total = int(pools.total_volumes[pool])
    fields: dict[str, object] = {
        "name": pools.name[pool],
        "total_volumes": None if total < 0 else total,
        "total_capacity_gb": _gb(pools.total_gb[pool]),
        "free_capacity_gb": _gb(pools.free_gb[pool]),
        "provisioned_capacity_gb": _gb(pools.provisioned_gb[pool]),
        "allocated_capacity_gb": _gb(pools.allocated_gb[pool]),
        "virtual_free": _gb(pools.virtual_free_gb[pool]),
        "uuid": "",
        "human_id": "",
    }
    return {name: value for name, value in fields.items() if value is not None}


def _gb(value: float) -> object:
    if math.isnan(value):
        return None
    return "infinite" if math.isinf(value) else int(value)


def volume_fields(volumes: VolumeColumns, volume: int) -> dict[str, object]:
    """The fields of a volume, placed or not."""
    held = zip(volumes.servers[volume], volumes.attachments[volume], strict=True)
    metadata = volumes.metadata[volume]
    return {
        "size": int(volumes.size_gb[volume]),
        "status": volumes.status[volume],
        "attachments": [{"server_id": server, "attachment_id": key} for server, key in held],
        "name": volumes.name[volume],
        "multiattach": bool(volumes.multiattach[volume]),
        "snapshot_id": volumes.snapshot_id[volume],
        "project_id": volumes.project_id[volume],
        "metadata": {key: metadata[key] for key in sorted(metadata)},
        "bootable": bool(volumes.bootable[volume]),
        "volume_type": volumes.volume_type[volume],
        "created_at": volumes.created_at[volume],
        "host": volumes.pool_name[volume],
        "uuid": volumes.id[volume],
        "human_id": "",
    }


def to_list(model: StorageModel) -> list[dict[str, object]]:
    """One row per volume in a pool, by backend, pool and volume; one for what holds nothing.

    Keys are ``node_<field>``, ``pool_<field>`` and ``volume_<field>``. Rows share nothing.
    """
    pools: list[list[int]] = [[] for _ in model.nodes.host]
    for pool, node in enumerate(model.pools.node):
        pools[int(node)].append(pool)
    volumes: list[list[int]] = [[] for _ in model.pools.name]
    for volume, pool in enumerate(model.volumes.pool):
        volumes[int(pool)].append(volume)
    rows: list[dict[str, object]] = []
    for node, inside in enumerate(pools):
        if not inside:
            rows.append(_prefixed("node", node_fields(model, node)))
        for pool in inside:
            rows.extend(_pool_rows(model, node, pool, volumes[pool]))
    return rows


def _pool_rows(
    model: StorageModel, node: int, pool: int, volumes: list[int]
) -> list[dict[str, object]]:
    def outer() -> dict[str, object]:
        return {
            **_prefixed("node", node_fields(model, node)),
            **_prefixed("pool", pool_fields(model, pool)),
        }

    if not volumes:
        return [outer()]
    return [
        {**outer(), **_prefixed("volume", volume_fields(model.volumes, volume))}
        for volume in volumes
    ]


def _prefixed(prefix: str, fields: dict[str, object]) -> dict[str, object]:
    return {f"{prefix}_{key}": value for key, value in fields.items()}
