"""The storage model as a flat list, one row per backend, pool and volume."""

import math
from collections.abc import Mapping
from typing import Any

from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel

NODE_FIELDS: Mapping[str, str] = {
    "host": "host",
    "zone": "zone",
    "status": "status",
    "state": "state",
    "volume_type": "volume_types",
}
"""Name of a backend's field in the list and in XML → column."""
POOL_FIELDS: Mapping[str, str] = {
    "name": "name",
    "total_volumes": "total_volumes",
    "total_capacity_gb": "total_gb",
    "free_capacity_gb": "free_gb",
    "provisioned_capacity_gb": "provisioned_gb",
    "allocated_capacity_gb": "allocated_gb",
    "virtual_free": "virtual_free_gb",
}
"""Name of a pool's field in the list and in XML → column."""
VOLUME_FIELDS: Mapping[str, str] = {
    "size": "size_gb",
    "status": "status",
    "attachments": "attachments",
    "name": "name",
    "multiattach": "multiattach",
    "snapshot_id": "snapshot_id",
    "project_id": "project_id",
    "metadata": "metadata",
    "bootable": "bootable",
    "volume_type": "volume_type",
    "created_at": "created_at",
    "host": "pool_name",
    "uuid": "id",
}
"""Name of a volume's field in the list and in XML → column."""
_UNNAMED: Mapping[str, object] = {"uuid": "", "human_id": ""}
"""Fields of the established form for which Cinder has no value."""


def node_records(model: StorageModel) -> list[dict[str, Any]]:
    """The fields of each backend."""
    return [{**record, **_UNNAMED} for record in model.nodes.records(NODE_FIELDS)]


def pool_records(model: StorageModel) -> list[dict[str, Any]]:
    """The fields of each pool. What is not known is left out; ``infinite`` has no limit."""
    return [
        {
            **{k: v for k, value in record.items() if (v := _figure(value)) is not None},
            **_UNNAMED,
        }
        for record in model.pools.records(POOL_FIELDS)
    ]


def _figure(value: object) -> object:
    """A figure of a pool, in whole GB; None if it is not known. Texts stay."""
    if isinstance(value, int):
        return None if value < 0 else value
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return "infinite" if math.isinf(value) else int(value)


def volume_records(volumes: VolumeColumns) -> list[dict[str, Any]]:
    """The fields of each volume, placed or not."""
    records = volumes.records(VOLUME_FIELDS)
    for record, servers in zip(records, volumes.servers, strict=True):
        record["attachments"] = [
            {"server_id": server, "attachment_id": attachment}
            for server, attachment in zip(servers, record["attachments"], strict=True)
        ]
        record["human_id"] = ""
    return records


def to_list(model: StorageModel) -> list[dict[str, object]]:
    """One row per volume in a pool, by backend, pool and volume.

    A backend without pools and a pool without volumes have one row. Keys are ``node_<field>``,
    ``pool_<field>`` and ``volume_<field>``. No two rows share a mutable value.
    """
    volumes: list[list[dict[str, object]]] = [[] for _ in model.pools.name]
    for volume, pool in zip(
        volume_records(model.volumes), model.volumes.pool.tolist(), strict=True
    ):
        volumes[pool].append(_prefixed("volume", volume))
    pools: list[list[dict[str, object]]] = [[] for _ in model.nodes.host]
    for pool, record in enumerate(pool_records(model)):
        for volume in volumes[pool] or [{}]:
            pools[int(model.pools.node[pool])].append({**_prefixed("pool", record), **volume})
    return [
        {**_prefixed("node", node), **inner}
        for node, inside in zip(node_records(model), pools, strict=True)
        for inner in inside or [{}]
    ]


def _prefixed(prefix: str, fields: Mapping[str, object]) -> dict[str, object]:
    return {
        f"{prefix}_{key}": list(value) if isinstance(value, list) else value
        for key, value in fields.items()
    }
