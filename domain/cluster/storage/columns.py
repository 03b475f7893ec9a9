"""The tables of a storage model: backends, pools and volumes, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from domain.cluster.compute.columns import ColumnTable
from domain.cluster.storage.records import StorageNodeRow, VolumeRow
from domain.cluster.table.columns import (
    BoolArray,
    Coded,
    FloatArray,
    IndexArray,
    IntArray,
    bools,
    coded,
    floats,
    indices,
    ints,
    map_key,
    sequence,
)
from domain.cluster.table.values import amount, spelled, truth


@dataclass(frozen=True, eq=False)
class StorageNodeColumns(ColumnTable):
    """Backends by index (0-based, in order of host). Meanings as in StorageNodeRow.

    Attributes:
        volume_types: names of the types whose volumes belong here.
    """

    host: tuple[str, ...]
    zone: Coded[str]
    state: Coded[str]
    status: Coded[str]
    disabled_reason: Coded[str | None]
    cluster: Coded[str | None]
    volume_types: Coded[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.host)

    @classmethod
    def empty(cls) -> "StorageNodeColumns":
        """A table without rows."""
        return cls.of((), {})

    @classmethod
    def of(
        cls, rows: Sequence[StorageNodeRow], types: Mapping[str, tuple[str, ...]]
    ) -> "StorageNodeColumns":
        """The columns of some rows, in that order; types by host."""
        return cls(
            host=tuple(r.host for r in rows),
            zone=coded(r.zone for r in rows),
            state=coded(r.state for r in rows),
            status=coded(r.status for r in rows),
            disabled_reason=coded(r.disabled_reason for r in rows),
            cluster=coded(r.cluster for r in rows),
            volume_types=coded(types.get(r.host, ()) for r in rows),
        )


@dataclass(frozen=True)
class AdmittedPool:
    """An admitted pool: every figure is a number, infinite, or not-a-number when not known."""

    name: str
    node: int
    backend_name: str
    total_volumes: int | None
    thin: bool
    thick: bool
    oversubscription: float
    total_gb: float
    free_gb: float
    provisioned_gb: float
    allocated_gb: float
    virtual_free_gb: float
    reserved_percent: float


@dataclass(frozen=True, eq=False)
class PoolColumns(ColumnTable):
    """Pools by index (0-based, in order of name). Meanings as in PoolRow; capacities in GB.

    A capacity is not-a-number when it is not known, and infinite when there is no limit.

    Attributes:
        node: int32[pools], index of the backend.
        total_volumes: int64[pools], -1 when not known.
        oversubscription: float64[pools], not-a-number when not known.
        unseen: int64[pools], volumes in it that are known to exist but could not be read.
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

    def __len__(self) -> int:
        return len(self.name)

    @classmethod
    def empty(cls) -> "PoolColumns":
        """A table without rows."""
        return cls.of(())

    @classmethod
    def of(
        cls, pools: Sequence[AdmittedPool], unseen: Mapping[str, int] | None = None
    ) -> "PoolColumns":
        """The columns of some pools, in that order."""
        lost = unseen or {}
        return cls(
            name=tuple(p.name for p in pools),
            node=indices(p.node for p in pools),
            backend_name=coded(p.backend_name for p in pools),
            total_volumes=ints(-1 if p.total_volumes is None else p.total_volumes for p in pools),
            total_gb=floats(p.total_gb for p in pools),
            free_gb=floats(p.free_gb for p in pools),
            provisioned_gb=floats(p.provisioned_gb for p in pools),
            allocated_gb=floats(p.allocated_gb for p in pools),
            virtual_free_gb=floats(p.virtual_free_gb for p in pools),
            reserved_percent=floats(p.reserved_percent for p in pools),
            oversubscription=floats(p.oversubscription for p in pools),
            thin=bools(p.thin for p in pools),
            thick=bools(p.thick for p in pools),
            unseen=ints(lost.get(p.name, 0) for p in pools),
        )

    def to_columns(self) -> dict[str, object]:
        """Column name → JSON value. JSON has no infinity: capacities are written in words."""
        shown = super().to_columns()
        for name, column in self.columns():
            if isinstance(column, np.ndarray) and column.dtype == np.float64:
                shown[name] = [spelled(value) for value in column.tolist()]
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
        pool_name: the pool that the cloud names, also when it is not in the model; None if none.
        servers: ids of the servers that hold it.
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

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def empty(cls) -> "VolumeColumns":
        """A table without rows."""
        return cls.of(())

    @classmethod
    def of(
        cls, rows: Sequence[VolumeRow], places: Mapping[str, int] | None = None
    ) -> "VolumeColumns":
        """The columns of some rows, in that order.

        Args:
            rows: the volumes.
            places: pool name → index; without it no volume is placed.
        """
        at = places or {}
        return cls(
            id=tuple(r.id for r in rows),
            name=tuple(r.name for r in rows),
            pool=indices(-1 if r.pool is None else at.get(r.pool, -1) for r in rows),
            pool_name=coded(r.pool for r in rows),
            size_gb=ints(r.size_gb or 0 for r in rows),
            status=coded(r.status.lower() for r in rows),
            volume_type=coded(r.volume_type for r in rows),
            servers=tuple(tuple(a.server_id for a in r.attachments) for r in rows),
            attachments=tuple(tuple(a.attachment_id for a in r.attachments) for r in rows),
            bootable=bools(bool(truth(r.bootable)) for r in rows),
            multiattach=bools(bool(truth(r.multiattach)) for r in rows),
            encrypted=bools(bool(truth(r.encrypted)) for r in rows),
            project_id=coded(r.project_id for r in rows),
            metadata=coded((r.metadata for r in rows), map_key),
            snapshot_id=tuple(r.snapshot_id for r in rows),
            source_id=tuple(r.source_id for r in rows),
            snapshots=ints(r.snapshots for r in rows),
            migration_status=coded(r.migration_status for r in rows),
            zone=coded(r.zone for r in rows),
            created_at=tuple(r.created_at for r in rows),
        )
