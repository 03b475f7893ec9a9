"""The compute model: columns, integer host indices, nothing that can change.

Index order is the order of ids, so the same cloud gives the same model however it was listed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.foreign_allocations import foreign_allocated
from domain.cluster.compute.numa.model import NumaModel
from domain.cluster.compute.records import (
    AggregateRow,
    GroupRow,
    HostRow,
    QuarantinedRecord,
    ServerRow,
    unseen,
)
from domain.cluster.compute.resources import capacity, demands, resources
from domain.cluster.compute.validation import admit_hosts, admit_servers
from domain.cluster.table.columns import (
    BoolArray,
    FloatArray,
    IntArray,
    bools,
    frozen,
    indices_of,
    mapping,
    sequence,
)


@dataclass(frozen=True, eq=False)
class ComputeModel:
    """Hosts, servers, server groups and aggregates of a cloud (or of the part in scope).

    Attributes:
        hosts: the hosts' columns.
        servers: columns of the servers that are on a host.
        unplaced: columns of the servers that are on no host (their ``host`` is -1).
        groups: server groups, in order of id.
        aggregates: host aggregates, in order of id.
        outside: ids of grouped servers that exist on hosts outside the scope.
    """

    hosts: HostColumns
    servers: ServerColumns
    unplaced: ServerColumns
    groups: tuple[GroupRow, ...] = ()
    aggregates: tuple[AggregateRow, ...] = ()
    outside: frozenset[str] = frozenset()

    @staticmethod
    def build(
        hosts: Iterable[HostRow],
        servers: Iterable[ServerRow],
        groups: Iterable[GroupRow] = (),
        aggregates: Iterable[AggregateRow] = (),
        aside: Iterable[QuarantinedRecord] = (),
    ) -> "tuple[ComputeModel, tuple[QuarantinedRecord, ...]]":
        """Returns the model of the usable records, and the quarantined records.

        ``aside``: records that were quarantined before, because no row could be made of them.
        """
        good_hosts, bad_hosts = admit_hosts(hosts)
        placed, unplaced, bad_servers = admit_servers(servers, good_hosts)
        quarantined = (*aside, *bad_hosts, *bad_servers)
        places = {row.name: index for index, row in enumerate(good_hosts)}
        model = ComputeModel(
            hosts=HostColumns.of(good_hosts, unseen(quarantined, "server")),
            servers=ServerColumns.of(placed, places),
            unplaced=ServerColumns.of(unplaced),
            groups=tuple(sorted(groups, key=lambda group: group.id)),
            aggregates=tuple(sorted(aggregates, key=lambda aggregate: aggregate.id)),
        )
        return model, quarantined

    def to_columns(self) -> dict[str, object]:
        """The JSON form, canonical: equal models give equal forms. ``from_columns`` reverses it."""
        return {
            "hosts": self.hosts.to_columns(),
            "servers": self.servers.to_columns(),
            "unplaced": self.unplaced.to_columns(),
            "groups": [_listed(asdict(group)) for group in self.groups],
            "aggregates": [_listed(asdict(aggregate)) for aggregate in self.aggregates],
            "outside": sorted(self.outside),
        }

    @staticmethod
    def from_columns(data: Mapping[str, object]) -> "ComputeModel":
        """Reads a model from its JSON form."""
        return ComputeModel(
            hosts=HostColumns.from_columns(mapping(data["hosts"])),
            servers=ServerColumns.from_columns(mapping(data["servers"])),
            unplaced=ServerColumns.from_columns(mapping(data["unplaced"])),
            groups=tuple(GroupRow(**_tupled(mapping(group))) for group in sequence(data["groups"])),
            aggregates=tuple(
                AggregateRow(**_tupled(mapping(item))) for item in sequence(data["aggregates"])
            ),
            outside=frozenset(str(server) for server in sequence(data["outside"])),
        )

    def restrict(
        self,
        host_mask: BoolArray,
        excluded_servers: Collection[str] = (),
        grouped_servers: Collection[str] = (),
    ) -> "ComputeModel":
        """Returns the part of the model in a scope.

        Args:
            host_mask: bool[hosts], the hosts to keep, with all their servers.
            excluded_servers: ids of servers that count as load but may not be moved.
            grouped_servers: ids of servers that are grouped, besides those of server groups.
        """
        if host_mask.all() and not excluded_servers:
            return self
        keep = np.flatnonzero(host_mask)
        place = np.full(len(self.hosts) + 1, -1, dtype=np.int32)
        place[keep] = np.arange(len(keep), dtype=np.int32)
        rows = np.flatnonzero(host_mask[self.servers.host])
        servers = self.servers.take(rows)
        named = bools(server in excluded_servers for server in servers.id)
        servers = replace(
            servers,
            host=frozen(place[servers.host]),
            excluded=frozen(servers.excluded | named),
        )
        grouped = {member for group in self.groups for member in group.members}
        grouped.update(grouped_servers)
        grouped.update(
            server for server, at in self.server_places.items() if self.servers.groups[at]
        )
        dropped = (grouped & self.server_places.keys()) - set(servers.id)
        return replace(
            self,
            hosts=self.hosts.take(keep),
            servers=servers,
            outside=self.outside | dropped,
        )

    @cached_property
    def host_places(self) -> Mapping[str, int]:
        """Host id → index, and service host name → index."""
        return {**indices_of(self.hosts.name), **indices_of(self.hosts.id)}

    @cached_property
    def server_places(self) -> Mapping[str, int]:
        """Server id → index."""
        return indices_of(self.servers.id)

    @cached_property
    def up(self) -> BoolArray:
        """bool[hosts]: the compute service is running."""
        return self.hosts.state.where(lambda state: state == "up")

    @cached_property
    def enabled(self) -> BoolArray:
        """bool[hosts]: the compute service is enabled."""
        return self.hosts.status.where(lambda status: status == "enabled")

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """Names of the resources: vcpus, memory_mb, disk_gb, pcpus, then PCI aliases."""
        return resources(self.hosts, self.servers)

    @cached_property
    def capacity(self) -> FloatArray:
        """float64[resources, hosts]: what can be allocated (cores, MB, GB, cores, devices).

        (total - reserved) x ratio, at least 0. The disk capacity of a host with disk_gb 0 is
        infinite: its disk is shared storage, which is not accounted to the host.
        """
        return capacity(self.hosts, self.resources)

    @cached_property
    def demand(self) -> FloatArray:
        """float64[servers, resources]: what is allocated to each server (units as ``capacity``)."""
        return demands(self.servers, self.resources)

    @cached_property
    def allocated(self) -> FloatArray:
        """float64[resources, hosts]: what is allocated to the servers on each host."""
        return sum_by_host(self.demand, self.servers.host, len(self.hosts))

    @cached_property
    def foreign_allocated(self) -> FloatArray:
        """float64[resources, hosts]: what is allocated to other consumers (units as ``capacity``).

        Servers that are migrating to the host, migrations that can still be reverted, and consumers
        that are not servers (``HostRow.other_allocations``).
        """
        if not any(self.hosts.other_allocations.table):
            return frozen(np.zeros_like(self.capacity))
        return foreign_allocated(self.hosts, self.servers, self.server_places, self.demand)

    @cached_property
    def cells(self) -> NumaModel:
        """NUMA cells and the servers that need them."""
        return NumaModel.of(self.hosts, self.servers)

    @cached_property
    def numa(self) -> NumaModel | None:
        """NUMA cells and the servers that need them; None if no server does."""
        return self.cells if self.cells.kinds else None

    @cached_property
    def servers_per_host(self) -> IntArray:
        """int64[hosts]."""
        return frozen(np.bincount(self.servers.host, minlength=len(self.hosts)).astype(np.int64))

    @cached_property
    def cores(self) -> FloatArray:
        """float64[hosts]: physical cores that servers may use: shared and dedicated."""
        shared = np.maximum(self.hosts.vcpus - self.hosts.vcpus_reserved, 0)
        return frozen((shared + self.hosts.pcpus).astype(np.float64))


def sum_by_host(
    amounts: FloatArray, host: np.ndarray[tuple[int], np.dtype[np.int32]], hosts: int
) -> FloatArray:
    """float64[k, hosts]: float64[servers, k] summed per host (int32[servers])."""
    totals = [np.bincount(host, weights=column, minlength=hosts) for column in amounts.T]
    return frozen(np.array(totals, dtype=np.float64).reshape(amounts.shape[1], hosts))


def _listed(record: dict[str, object]) -> dict[str, object]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in record.items()}


def _tupled(record: Mapping[str, object]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in record.items()}
