"""The two tables of a compute model: hosts and servers, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.numa.cells import Topology, read_topology, topology_record
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import (
    BoolArray,
    Coded,
    FloatArray,
    IndexArray,
    IntArray,
    mapping,
    sequence,
)


@dataclass(frozen=True, eq=False)
class HostColumns(ColumnTable):
    """Hosts by index (0-based, in order of id). Units and meanings as in HostRow.

    Attributes:
        other_allocations: those of other consumers than the servers on it; None if there are none.
        unseen: int64[hosts], number of quarantined servers on it.
        generation: int64[hosts], -1 if unknown.
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
        return cls.from_rows(
            rows,
            hypervisor_hostname=(r.hypervisor_hostname or r.name for r in rows),
            traits=(tuple(sorted(set(r.traits))) for r in rows),
            aggregates=(tuple(sorted(set(r.aggregates))) for r in rows),
            other_allocations=(tuple(sorted(r.other_allocations)) or None for r in rows),
            unseen=(lost.get(r.name, 0) for r in rows),
            generation=(-1 if r.generation is None else r.generation for r in rows),
        )


@dataclass(frozen=True, eq=False)
class ServerColumns(ColumnTable):
    """Servers by index (0-based, in order of id). Units and meanings as in ServerRow.

    Attributes:
        host: int32[servers], index of the host; -1 in the table of unplaced servers.
        vcpus: of its flavor; 0 if unknown.
        memory_mb: of its flavor, MB; 0 if unknown.
        excluded: bool[servers], the audit's scope forbids to move it.
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

    @classmethod
    def of(
        cls, rows: Sequence[ServerRow], places: Mapping[str, int] | None = None
    ) -> "ServerColumns":
        """The columns of some rows, in that order.

        Args:
            rows: the servers.
            places: host name → index; None if the servers are on no host.
        """
        at = places or {}
        return cls.from_rows(
            rows,
            host=(-1 if r.host is None else at[r.host] for r in rows),
            vcpus=(r.vcpus or 0 for r in rows),
            memory_mb=(r.memory_mb or 0 for r in rows),
            disk_gb=(r.disk_gb or 0 for r in rows),
            state=(r.state.lower() for r in rows),
            pinned_zone=(r.pinned_zone or None for r in rows),
            groups=(tuple(sorted(set(r.groups))) for r in rows),
            excluded=(False for _ in rows),
        )
