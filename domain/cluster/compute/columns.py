"""The two tables of a compute model: hosts and servers, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.numa.cells import Topology, read_topology, topology_record
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.table.columns import (
    BoolArray,
    Coded,
    FloatArray,
    IndexArray,
    IntArray,
    bools,
    coded,
    floats,
    frozen,
    indices,
    ints,
    like,
    map_key,
    mapping,
    plain,
    sequence,
)

C = TypeVar("C")
_UNKNOWN_GENERATION = -1


class ColumnTable:
    """What the tables share: JSON form and selection, column by column."""

    later: ClassVar[frozenset[str]] = frozenset()
    """Columns that older forms do not have, each of values or None. One that is all None is left
    out of the form: so an older form is still the form of the same table, with the same digest."""

    def to_columns(self) -> dict[str, object]:
        """Column name → JSON value."""
        return {
            name: plain(column)
            for name, column in self.columns()
            if name not in self.later or any(value is not None for value in column.table)
        }

    @classmethod
    def from_columns(cls, data: Mapping[str, object]) -> Self:
        """The table whose JSON form this is."""
        read: dict[str, Any] = {
            name: _unknown(len(sequence(data["id"])))
            if name in cls.later and name not in data
            else like(column, data[name])
            for name, column in cls.empty().columns()
        }
        return cls(**read)

    @classmethod
    def empty(cls) -> Self:
        """A table without rows."""
        raise NotImplementedError

    def take(self, rows: IntArray) -> Self:
        """The table of some rows (int64[m], in that order)."""
        chosen: dict[str, Any] = {name: _take(column, rows) for name, column in self.columns()}
        return type(self)(**chosen)

    def columns(self) -> list[tuple[str, Any]]:
        """Name and column, in order."""
        return [(f.name, getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]


def _unknown(rows: int) -> Coded[None]:
    return coded(None for _ in range(rows))


def _take(column: object, rows: IntArray) -> object:
    if isinstance(column, Coded):
        return column.take(rows)
    if isinstance(column, np.ndarray):
        return frozen(column[rows])
    if isinstance(column, tuple):
        return tuple(column[row] for row in rows)
    raise TypeError(type(column).__name__)


@dataclass(frozen=True, eq=False)
class HostColumns(ColumnTable):
    """Hosts by index (0-based, in order of id). Units and meanings as in HostRow.

    Attributes:
        other_allocations: None where there are none.
        unseen: int64[hosts], servers on it that are known to exist but could not be read.
        generation: int64[hosts], -1 when not known.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    hypervisor_hostname: tuple[str, ...]
    state: Coded[str]
    status: Coded[str]
    disabled_reason: Coded[str | None]
    zone: Coded[str]
    vcpus: IntArray
    memory_mb: IntArray
    disk_gb: IntArray
    vcpus_reserved: IntArray
    memory_reserved_mb: IntArray
    disk_reserved_gb: IntArray
    cpu_ratio: FloatArray
    ram_ratio: FloatArray
    disk_ratio: FloatArray
    traits: Coded[tuple[str, ...]]
    aggregates: Coded[tuple[str, ...]]
    pcpus: IntArray
    devices: Coded[Mapping[str, int]]
    other_allocations: Coded[Allocations | None]
    numa: Coded[Topology | None]
    unseen: IntArray
    generation: IntArray

    later: ClassVar[frozenset[str]] = frozenset({"other_allocations", "numa"})

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def empty(cls) -> "HostColumns":
        """A table without rows."""
        return cls.of(())

    def to_columns(self) -> dict[str, object]:
        """Column name → JSON value; NUMA cells as objects, allocations as lists."""
        columns = super().to_columns()
        if "numa" in columns:
            cells = [topology_record(topology) for topology in self.numa.table]
            columns["numa"] = {"table": cells, "codes": self.numa.codes.tolist()}
        if "other_allocations" in columns:
            booked, codes = self.other_allocations.table, self.other_allocations.codes
            lists = [held and [list(one) for one in held] for held in booked]
            columns["other_allocations"] = {"table": lists, "codes": codes.tolist()}
        return columns

    @classmethod
    def from_columns(cls, data: Mapping[str, object]) -> "HostColumns":
        """The table whose JSON form this is."""
        table = super().from_columns(data)
        special: dict[str, Any] = {}
        if "numa" in data:
            cells = sequence(mapping(data["numa"])["table"])
            topologies = tuple(read_topology("numa", topology) for topology in cells)
            special["numa"] = Coded(topologies, table.numa.codes)
        if "other_allocations" in data:
            booked: Coded[Any] = table.other_allocations
            held = tuple(
                one and tuple(Allocation(*figures) for figures in one) for one in booked.table
            )
            special["other_allocations"] = Coded(held, booked.codes)
        return replace(table, **special)

    @classmethod
    def of(cls, rows: Sequence[HostRow], unseen: Mapping[str, int] | None = None) -> "HostColumns":
        """The columns of some rows, in that order."""
        lost = unseen or {}
        known = (_UNKNOWN_GENERATION if r.generation is None else r.generation for r in rows)
        return cls(
            id=tuple(r.id for r in rows),
            name=tuple(r.name for r in rows),
            hypervisor_hostname=tuple(r.hypervisor_hostname or r.name for r in rows),
            state=coded(r.state for r in rows),
            status=coded(r.status for r in rows),
            disabled_reason=coded(r.disabled_reason for r in rows),
            zone=coded(r.zone for r in rows),
            vcpus=ints(r.vcpus for r in rows),
            memory_mb=ints(r.memory_mb for r in rows),
            disk_gb=ints(r.disk_gb for r in rows),
            vcpus_reserved=ints(r.vcpus_reserved for r in rows),
            memory_reserved_mb=ints(r.memory_reserved_mb for r in rows),
            disk_reserved_gb=ints(r.disk_reserved_gb for r in rows),
            cpu_ratio=floats(r.cpu_ratio for r in rows),
            ram_ratio=floats(r.ram_ratio for r in rows),
            disk_ratio=floats(r.disk_ratio for r in rows),
            traits=coded(tuple(sorted(set(r.traits))) for r in rows),
            aggregates=coded(tuple(sorted(set(r.aggregates))) for r in rows),
            pcpus=ints(r.pcpus for r in rows),
            devices=coded((r.devices for r in rows), map_key),
            other_allocations=coded(tuple(sorted(r.other_allocations)) or None for r in rows),
            numa=coded(r.numa for r in rows),
            unseen=ints(lost.get(r.name, 0) for r in rows),
            generation=ints(known),
        )


@dataclass(frozen=True, eq=False)
class ServerColumns(ColumnTable):
    """Servers by index (0-based, in order of id). Units and meanings as in ServerRow.

    Attributes:
        host: int32[servers], index of the host; -1 in the table of unplaced servers.
        excluded: bool[servers], kept in place by the audit's scope.
    """

    id: tuple[str, ...]
    name: tuple[str, ...]
    host: IndexArray
    vcpus: IntArray
    memory_mb: IntArray
    disk_gb: IntArray
    state: Coded[str]
    status: Coded[str]
    task_state: Coded[str | None]
    project_id: Coded[str]
    flavor: Coded[str]
    locked: BoolArray
    pinned_zone: Coded[str | None]
    zone: Coded[str | None]
    metadata: Coded[Mapping[str, str]]
    extra_specs: Coded[Mapping[str, str]]
    groups: Coded[tuple[str, ...]]
    numa_nodes: Coded[tuple[int, ...] | None]
    created_at: tuple[str, ...]
    updated_at: Coded[int | None]
    excluded: BoolArray

    later: ClassVar[frozenset[str]] = frozenset({"numa_nodes", "updated_at"})

    def __len__(self) -> int:
        return len(self.id)

    @classmethod
    def empty(cls) -> "ServerColumns":
        """A table without rows."""
        return cls.of(())

    @classmethod
    def of(
        cls, rows: Sequence[ServerRow], places: Mapping[str, int] | None = None
    ) -> "ServerColumns":
        """The columns of some rows, in that order.

        Args:
            rows: the servers.
            places: host name → index; without it no server is placed.
        """
        at = places or {}
        return cls(
            id=tuple(r.id for r in rows),
            name=tuple(r.name for r in rows),
            host=indices(-1 if r.host is None else at[r.host] for r in rows),
            vcpus=ints(r.vcpus or 0 for r in rows),
            memory_mb=ints(r.memory_mb or 0 for r in rows),
            disk_gb=ints(r.disk_gb or 0 for r in rows),
            state=coded(r.state.lower() for r in rows),
            status=coded(r.status for r in rows),
            task_state=coded(r.task_state for r in rows),
            project_id=coded(r.project_id for r in rows),
            flavor=coded(r.flavor for r in rows),
            locked=bools(r.locked for r in rows),
            pinned_zone=coded(r.pinned_zone or None for r in rows),
            zone=coded(r.zone for r in rows),
            metadata=coded((r.metadata for r in rows), map_key),
            extra_specs=coded((r.extra_specs for r in rows), map_key),
            groups=coded(tuple(sorted(set(r.groups))) for r in rows),
            numa_nodes=coded(r.numa_nodes for r in rows),
            created_at=tuple(r.created_at for r in rows),
            updated_at=coded(r.updated_at for r in rows),
            excluded=bools(False for _ in rows),
        )
