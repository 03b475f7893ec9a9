"""The storage part of a cluster file: backends, pools, volume types and volumes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.portable import placed, rows_of
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import mapping
from domain.cluster.table.values import capacity_json
from domain.kernel.errors import InvalidValue

KEY = "storage"


def read_storage(
    data: Mapping[str, object],
) -> tuple[StorageModel, tuple[QuarantinedRecord, ...]] | None:
    """Reads the storage model of a cluster file, and its unusable records; None if it has none.

    Raises:
        InvalidValue: names the bad field.
    """
    if data.get(KEY) is None:
        return None
    try:
        part = mapping(data[KEY])
    except TypeError as error:
        raise InvalidValue(KEY, f"must be an object ({error})") from error
    return StorageModel.build(
        rows_of(StorageNodeRow, placed(part, "nodes")),
        rows_of(PoolRow, placed(part, "pools")),
        rows_of(VolumeRow, placed(part, "volumes")),
        rows_of(VolumeTypeRow, placed(part, "types")),
    )


def write_storage(model: StorageModel) -> dict[str, object]:
    """The JSON form of a storage model, without the ids of attachments."""
    pools = []
    for record in _records(model.pools, "node", "unseen"):
        figures = {k: capacity_json(v) for k, v in record.items() if isinstance(v, float)}
        volumes = record["total_volumes"]
        pools.append({**record, **figures, "total_volumes": None if volumes < 0 else volumes})
    return {
        "nodes": _records(model.nodes, "volume_types"),  # from pools and types
        "pools": pools,
        "types": [asdict(kind) for kind in model.types],
        "volumes": [*_volumes(model.volumes), *_volumes(model.unplaced)],
    }


def _volumes(table: VolumeColumns) -> list[dict[str, Any]]:
    records = _records(table, "pool", "servers")
    for record, servers in zip(records, table.servers, strict=True):
        record["pool"] = record.pop("pool_name")
        record["attachments"] = list(servers)
    return records


def _records(table: ColumnTable, *left_out: str) -> list[dict[str, Any]]:
    names = [name for name, _ in table.columns() if name not in left_out]
    return table.records({name: name for name in names})
