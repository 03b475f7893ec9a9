"""Packing servers onto few hosts: which hosts are cheap to empty, and which to fill."""

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import MEMORY, VCPUS
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray

ROOM_WEIGHT = 0.5
"""Weight of a host's size, relative to its number of servers, in the price of emptying it.
0 empties hosts with few servers first, of any size (fewest moves);
1 and more prefers to keep big hosts (fewest hosts in the end). Between the two a plan can have
both fewer hosts and fewer moves per freed host than either extreme of a single pass; 0.5 was
chosen on generated clusters of 50 to 1,000 hosts, where results change little from 0.4 to 0.8."""


def prices(model: ComputeModel, count: IntArray, movable: BoolArray) -> FloatArray:
    """float64[hosts]: the price of emptying a host, in units of an average used host.

    servers / mean servers + ROOM_WEIGHT x room / mean room, where room is the mean of the shares
    of vCPU and memory that the host has of the whole. A host that cannot be freed, because it
    has a server that cannot be moved or read, is more expensive than all others: it stays in use
    and should be filled.

    Args:
        model: the model.
        count: int64[hosts], servers on each host.
        movable: bool[servers], can be moved.
    """
    used = count > 0
    servers = count / max(1.0, float(count[used].mean()) if used.any() else 1.0)
    shares = [_share(model.capacity[row]) for row in (VCPUS, MEMORY)]
    room = np.mean(shares, axis=0)
    mean = float(room.mean()) if len(room) else 0.0
    price = np.asarray(servers + ROOM_WEIGHT * (room / mean if mean else room), dtype=np.float64)
    stuck = model.hosts.unseen > 0
    stuck[model.servers.host[~movable]] = True
    price[stuck] += price.max(initial=0.0)
    return price


def ranks(price: FloatArray) -> IntArray:
    """int64[hosts]: rank of each host by price, most expensive last, ties by index."""
    order = np.argsort(price, kind="stable")
    place = np.empty(len(price), dtype=np.int64)
    place[order] = np.arange(len(price))
    return place


def sizes(branch: Branch) -> FloatArray:
    """float64[servers]: the largest share of the total of any resource that a server needs."""
    finite = np.where(np.isfinite(branch.limits), branch.limits, 0.0).sum(axis=1)
    rows = finite > 0
    if not rows.any():
        return np.zeros(len(branch.needs))
    return np.asarray((branch.needs[:, rows] / finite[rows]).max(axis=1), dtype=np.float64)


def largest_first(servers: IntArray, size: FloatArray) -> list[int]:
    """Servers from the largest down, ties by index."""
    order = np.lexsort((servers, -size[servers]))
    return [int(server) for server in servers[order]]


def dearest(
    constraints: Constraints, branch: Branch, server: int, hosts: BoolArray, rank: IntArray
) -> int | None:
    """The most expensive of some hosts (bool[hosts]) that may have a server; None if none.

    Filling expensive hosts first leaves the cheap ones to be emptied. Soft server groups have
    precedence over price.
    """
    legal = np.flatnonzero(constraints.legal_hosts(branch, server) & hosts)
    if not len(legal):
        return None
    penalty = constraints.soft_penalty(branch, server)
    if penalty is not None:
        legal = legal[penalty[legal] == penalty[legal].min()]
    return int(legal[np.argmax(rank[legal])])


def _share(room: FloatArray) -> FloatArray:
    total = float(room.sum())
    return room / total if total else np.zeros_like(room)
