"""Packing servers onto few hosts: which server first, and on which host."""

import math
from typing import Final

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import MEMORY, VCPUS
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.optimization.algorithms.moves import Moves

_TINY: Final = 1e-12
_ROUNDING: Final = 1e-6
"""What free room may differ by from the sums that the rules compare."""
_TRIES: Final = 5
"""Destinations that are checked one by one, before all are."""
_REFRESH: Final = 16
"""Placements between two computations of the scarcity."""


def room(model: ComputeModel) -> FloatArray:
    """float64[hosts]: the mean of the shares of vCPU and memory that a host has of the whole."""
    shares: FloatArray = np.mean([_share(model.capacity[row]) for row in (VCPUS, MEMORY)], axis=0)
    return shares


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


class Fit:
    """Finds, for each of many servers, the host whose free room suits it best.

    That is the host whose free room points most in the direction of the server's need: the cosine
    of the angle between the two, each resource weighted by its scarcity (what the waiting servers
    need / what is free). So a resource that is scarce is not left over on hosts where another one
    is used up. Vector packing by dot product: R. Panigrahy et al., "Heuristics for Vector Bin
    Packing" (2011).

    Args:
        moves: with the branch and the rules.
        hosts: bool[hosts], the destinations.
        waiting: indices of the servers that are to be placed.
    """

    def __init__(self, moves: Moves, hosts: BoolArray, waiting: IntArray) -> None:
        self._branch, self._rules = moves.branch, moves.rules
        total: FloatArray = self._branch.needs[waiting].sum(axis=0)
        self._rows = np.flatnonzero(total > 0)
        self._most = total[self._rows]
        self._waiting = self._most.copy()
        self._needs = self._branch.needs[:, self._rows]
        self.open(hosts)

    def open(self, hosts: BoolArray) -> None:
        """Sets the destinations: bool[hosts]."""
        self._columns = np.flatnonzero(hosts)
        self._at = np.full(len(hosts), -1)
        self._at[self._columns] = np.arange(len(self._columns))
        limits = np.minimum(self._branch.limits[self._rows], self._most[:, None])
        whole = limits[:, self._columns].mean(axis=1) if len(self._columns) else self._most
        self._unit = 1.0 / np.maximum(whole, _TINY)
        self._free = self._room(self._columns)
        self._weigh()

    def in_order(self, servers: IntArray) -> list[int]:
        """Servers, the largest share of what is scarce first, ties by index."""
        size = self._needs[servers] @ self._weight
        return [int(server) for server in servers[np.lexsort((servers, -size))]]

    def find(self, server: int) -> int | None:
        """The best legal destination for a server; None if there is none.

        Soft server groups have precedence.
        """
        need = self._needs[server]
        cosine = ((need * self._weight * self._weight) @ self._free) / self._length
        penalty = self._rules.soft_penalty(self._branch, server)
        for tried in range(_TRIES if penalty is None and len(self._columns) else 0):
            if tried == 1:  # the best one is legal mostly, and comparing all takes longer
                cosine[(self._free < (need - _ROUNDING)[:, None]).any(axis=0)] = -1.0
            best = int(cosine.argmax())
            if cosine[best] < 0:
                return None
            host = int(self._columns[best])
            if self._rules.is_legal(self._branch, server, host):
                return host
            cosine[best] = -1.0
        legal = self._rules.legal_hosts(self._branch, server)[self._columns]
        if not legal.any():
            return None
        if penalty is not None:
            found = penalty[self._columns]
            legal &= found == found[legal].min()
        return int(self._columns[np.argmax(np.where(legal, cosine, -1.0))])

    def move(self, server: int, host: int) -> None:
        """Moves a server on the branch; it does not wait any more."""
        source = int(self._branch.host_of[server])
        self._branch.move(server, host)
        self._waiting = np.maximum(self._waiting - self._needs[server], 0.0)
        for place in (source, host):
            column = self._at[place]
            if column >= 0:
                free = self._room(place)
                weighted = free * self._weight
                self._free[:, column] = free
                self._length[column] = max(_TINY, math.sqrt(weighted @ weighted))
        self._since += 1
        if self._since >= _REFRESH:
            self._weigh()

    def _room(self, hosts: IntArray | int) -> FloatArray:
        """float64[rows, hosts] or [rows]: what is free, at most what all waiting servers need."""
        limits, amounts = self._branch.limits[:, hosts], self._branch.amounts[:, hosts]
        free = limits[self._rows] - amounts[self._rows]
        most = self._most if free.ndim == 1 else self._most[:, None]
        return np.minimum(np.maximum(free, 0.0), most)

    def _weigh(self) -> None:
        """The scarcity of each resource, and with it the length of each host's free room."""
        self._since = 0
        scarcity = self._waiting / np.maximum(self._free.sum(axis=1), _TINY)
        self._weight: FloatArray = scarcity * self._unit
        length = np.sqrt(((self._free * self._weight[:, None]) ** 2).sum(axis=0))
        self._length: FloatArray = np.maximum(length, _TINY)


def _share(amounts: FloatArray) -> FloatArray:
    total = float(amounts.sum())
    return amounts / total if total else np.zeros_like(amounts)
