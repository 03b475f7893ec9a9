"""Which of Placement's allocations the servers that a model shows do not account for.

A server that is on a host accounts for what is allocated to it there. The rest holds room all the
same: of a server that is on its way here, or is just being built; of a migration whose server could
still be sent back; of a consumer that is no server at all, or no more.
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


def unaccounted(
    allocated: Iterable[Allocation], residents: Iterable[ServerRow], servers: Collection[str]
) -> Allocations:
    """Allocations of one host that the servers on it do not account for, in order of consumer.

    While a server leaves a host, what it holds there is booked to its migration: a resident without
    an allocation of its own accounts for one of the same size whose consumer is no server.

    Args:
        allocated: everything that is allocated on the host.
        residents: the servers on it.
        servers: ids of all servers of the cloud.
    """
    demand = {row.id: amounts for row in residents if (amounts := _demand(row)) is not None}
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


def others(
    hosts: HostColumns, servers: ServerColumns, places: Mapping[str, int], demand: FloatArray
) -> FloatArray:
    """float64[resources, hosts]; see ComputeModel.others.

    Args:
        hosts: with what their servers did not account for when they were collected.
        servers: where they are now: one that has arrived accounts for what it held before.
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


def booked(row: ServerRow, consumer: str) -> Allocation | None:
    """The allocation that a server accounts for, under another name; None if it is not known."""
    amounts = _demand(row)
    return None if amounts is None else Allocation(consumer, *amounts)


def _demand(row: ServerRow) -> _Amounts | None:
    """What a server accounts for; None if that is not known."""
    if row.vcpus is None or row.memory_mb is None or row.disk_gb is None:
        return None
    pinned = dedicated_cpus(row.vcpus, row.extra_specs)
    emulator = emulator_cpus(row.extra_specs)
    return row.vcpus - pinned, row.memory_mb, row.disk_gb, pinned + emulator
