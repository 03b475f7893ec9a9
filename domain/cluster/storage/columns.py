"""The tables of a storage model: backends, pools and volumes, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

import numpy as np

from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow
from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import (
    BoolArray,
    Coded,
    FloatArray,
    IndexArray,
    IntArray,
    sequence,
)
from domain.cluster.table.values import amount, capacity_json, truth


@dataclass(frozen=True, eq=False)
class StorageNodeColumns(ColumnTable):
    """Backends by index (0-based, in order of host). Meanings as in StorageNodeRow.

    Attributes:
        volume_types: names of the volume types that belong to the backend.
    """

    host: tuple[str, ...]
    zone: Coded[str]
    state: Coded[str]
    status: Coded[str]
    disabled_reason: Coded[str | None]
    cluster: Coded[str | None]
    volume_types: Coded[tuple[str, ...]]

    @classmethod
    def of(
        cls, rows: Sequence[StorageNodeRow], types: Mapping[str, tuple[str, ...]]
    ) -> "StorageNodeColumns":
        """The columns of some rows, in that order; types by host."""
        return cls.from_rows(rows, volume_types=(types.get(r.host, ()) for r in rows))


@dataclass(frozen=True, eq=False)
class PoolColumns(ColumnTable):
    """Pools by index (0-based, in order of name). Meanings as in PoolRow; capacities in GB.

    A capacity is not-a-number if it is unknown, and infinite if it has no limit.

    Attributes:
        node: int32[pools], index of the backend.
        total_volumes: int64[pools], -1 if unknown.
        oversubscription: float64[pools], not-a-number if unknown.
        unseen: int64[pools], number of quarantined volumes in it.
    """

    name: tuple[str, ...]
    node: IndexArray
    backend_name: Coded[str]
    total_volumes: IntArray
    total_gb: FloatArray
    free_gb: FloatArray
    provisioned_gb: FloatArray
    allocated_gb: FloatArray
    virtual_free_gb: FloatArray
    reserved_percent: FloatArray
    oversubscription: FloatArray
    thin: BoolArray
    thick: BoolArray
    unseen: IntArray

    @classmethod
    def of(
        cls,
        rows: Sequence[PoolRow],
        places: Mapping[str, int],
        unseen: Mapping[str, int] | None = None,
    ) -> "PoolColumns":
        """The columns of some admitted pools, in that order.

        Args:
            rows: the pools.
            places: name of a backend as pools carry it → index.
            unseen: pool name → volumes that could not be read.
        """
        lost = unseen or {}
        return cls.from_rows(
            rows,
            node=(places[r.backend] for r in rows),
            total_volumes=(-1 if r.total_volumes is None else r.total_volumes for r in rows),
            unseen=(lost.get(r.name, 0) for r in rows),
        )

    def to_columns(self) -> dict[str, object]:
        """Column name → JSON value. JSON has no infinity: see ``capacity_json``."""
        shown = super().to_columns()
        for name, column in self.columns():
            if isinstance(column, np.ndarray) and column.dtype == np.float64:
                shown[name] = [capacity_json(value) for value in column.tolist()]
        return shown

    @classmethod
    def from_columns(cls, data: Mapping[str, object]) -> Self:
        """The table whose JSON form this is."""
        read: dict[str, Any] = dict(data)
        for name, column in cls.empty().columns():
            if isinstance(column, np.ndarray) and column.dtype == np.float64:
                read[name] = [amount(value) for value in sequence(data[name])]
        return super().from_columns(read)


@dataclass(frozen=True, eq=False)
class VolumeColumns(ColumnTable):
    """Volumes by index (0-based, in order of id). Units and meanings as in VolumeRow.

    Attributes:
        pool: int32[volumes], index of the pool; -1 in the table of unplaced volumes.
        pool_name: the pool that Cinder reports, also if it is not in the model; None if none.
        servers: ids of the servers it is attached to.
        attachments: ids of the attachments, in the same order.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    pool: IndexArray
    pool_name: Coded[str | None]
    size_gb: IntArray
    status: Coded[str]
    volume_type: Coded[str]
    servers: tuple[tuple[str, ...], ...]
    attachments: tuple[tuple[str, ...], ...]
    bootable: BoolArray
    multiattach: BoolArray
    encrypted: BoolArray
    project_id: Coded[str]
    metadata: Coded[Mapping[str, str]]
    snapshot_id: tuple[str | None, ...]
    source_id: tuple[str | None, ...]
    snapshots: IntArray
    migration_status: Coded[str]
    zone: Coded[str]
    created_at: tuple[str, ...]

    @classmethod
    def of(
        cls, rows: Sequence[VolumeRow], places: Mapping[str, int] | None = None
    ) -> "VolumeColumns":
        """The columns of some rows, in that order.

        Args:
            rows: the volumes.
            places: pool name → index; None if the volumes are in no pool of the model.
        """
        at = places or {}
        flags = {
            name: (bool(truth(flag)) for flag in map(attrgetter(name), rows))
            for name in ("bootable", "multiattach", "encrypted")
        }
        return cls.from_rows(
            rows,
            pool=(-1 if r.pool is None else at.get(r.pool, -1) for r in rows),
            pool_name=(r.pool for r in rows),
            size_gb=(r.size_gb or 0 for r in rows),
            status=(r.status.lower() for r in rows),
            servers=(tuple(a.server_id for a in r.attachments) for r in rows),
            attachments=(tuple(a.attachment_id for a in r.attachments) for r in rows),
            **flags,
        )
