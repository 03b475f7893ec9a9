"""The storage part of a cluster file: backends, pools, volume types and volumes."""

from collections.abc import Mapping

from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.formats.portable import placed, rows_of
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.cluster.table.columns import mapping
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
