"""Placement allocations on a host that do not belong to the servers on it.

They use capacity too: of a server that is migrating to the host or is being built there, of a
migration that can still be reverted, of a consumer that is not a server or no longer exists.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.records import ServerRow
from domain.cluster.compute.resources import BASE_RESOURCES, dedicated_cpus, emulator_cpus
from domain.cluster.table.columns import FloatArray, frozen

_Amounts = tuple[int, int, int, int]
_NOTHING: _Amounts = (0, 0, 0, 0)


def foreign_allocations(
    allocated: Iterable[Allocation], residents: Iterable[ServerRow], servers: Collection[str]
) -> Allocations:
    """Returns the allocations of a host beyond those of the servers on it, in order of consumer.

    While a server leaves a host, its allocation there belongs to its migration: a server on the
    host without an allocation accounts for one of the same size whose consumer is not a server.

    Args:
        allocated: all allocations on the host.
        residents: the servers on it.
        servers: ids of all servers of the cloud.
    """
    demand = _demands(residents)
    booked = sorted(allocated)
    own = {one.consumer for one in booked}
    leaving = Counter(amounts for server, amounts in demand.items() if server not in own)
    left: list[Allocation] = []
    for one in booked:
        needed = demand.get(one.consumer)
        if needed is None and one.consumer not in servers and leaving[one.amounts]:
            leaving[one.amounts] -= 1
        elif _exceeds(one, needed or _NOTHING):
            left.append(one)
    return tuple(left)


def accounts_for_all(residents: Iterable[ServerRow], allocated: Iterable[Allocation]) -> bool:
    """Whether each allocation of a host belongs to a server on it that needs as much.

    Then neither they nor any part of them has foreign ones (see ``foreign_allocations``).
    """
    demand = _demands(residents)
    return all(
        (needed := demand.get(one.consumer)) is not None and not _exceeds(one, needed)
        for one in allocated
    )


def foreign_allocated(
    hosts: HostColumns, servers: ServerColumns, places: Mapping[str, int], demand: FloatArray
) -> FloatArray:
    """float64[resources, hosts]; see ComputeModel.foreign_allocated.

    Args:
        hosts: the hosts, with their foreign allocations at the time of collection.
        servers: the servers where they are now: one that has arrived since accounts for its
            own allocation.
        places: server id → index.
        demand: float64[servers, resources].
    """
    held = np.zeros((demand.shape[1], len(hosts)), dtype=np.float64)
    base = len(BASE_RESOURCES)
    for host in range(len(hosts)):
        for one in hosts.other_allocations[host] or ():
            amounts = np.array(one.amounts, dtype=np.float64)
            server = places.get(one.consumer)
            if server is not None and servers.host[server] == host:
                amounts = np.maximum(amounts - demand[server, :base], 0)
            held[:base, host] += amounts
    return frozen(held)


def _exceeds(one: Allocation, needed: _Amounts) -> bool:
    return any(held > need for held, need in zip(one.amounts, needed, strict=True))


def own_allocation(row: ServerRow, consumer: str) -> Allocation | None:
    """The allocation of a server, under another consumer; None if its flavor is unknown."""
    amounts = _demand(row)
    return None if amounts is None else Allocation(consumer, *amounts)


def _demands(residents: Iterable[ServerRow]) -> dict[str, _Amounts]:
    """The amounts of each server whose flavor is known."""
    return {row.id: amounts for row in residents if (amounts := _demand(row)) is not None}


def _demand(row: ServerRow) -> _Amounts | None:
    """The amounts allocated to a server; None if its flavor is unknown."""
    if row.vcpus is None or row.memory_mb is None or row.disk_gb is None:
        return None
    pinned = dedicated_cpus(row.vcpus, row.extra_specs)
    emulator = emulator_cpus(row.extra_specs)
    return row.vcpus - pinned, row.memory_mb, row.disk_gb, pinned + emulator
