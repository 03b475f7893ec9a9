"""The NUMA cells of a host can hold those of a server."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from domain.cluster.compute.numa.guest import Guest
from domain.cluster.compute.numa.model import Amount, CellNeed, GuestNeed, NumaLoad, NumaModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.rule import BranchRule
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.reasons import Cause, Reason

NUMA_CELLS = Reason(
    "numa-cells",
    "the {cells} NUMA cells of {host} have no room for {needed}",
    cells="number",
    needed="amount",
)
NUMA_UNKNOWN = Reason("numa-unknown", "the NUMA topology of {host}, or its use, is unknown")
NUMA_UNCHECKED = Reason(
    "numa-unchecked",
    "{count} servers with a NUMA topology go to {host}, whose NUMA topology is "
    "unknown: Nova decides whether they fit",
    count="number",
)

MOST_SUBSETS = 6
"""Up to this number of distinct guest cells, cells are matched by checking each subset of them
(Hall's theorem), on all hosts at once. More occur in tests only."""


class NumaTopology(BranchRule):
    """Each NUMA cell of a server fits into a NUMA cell of the host, no two into the same one.

    It is often unknown which cells the servers on a host use. By default a host is refused only if
    the server cannot fit in any case; a host with unknown cells is never refused. With ``certain``
    a host is allowed only if its cells are known and the server fits in every case.
    """

    def __init__(self, *, certain: bool = False) -> None:
        self.certain = certain

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: the server's cells fit; None for a server that floats."""
        need, load = branch.guest(server), branch.numa
        if need is None:
            return None
        if load is None:
            return np.zeros(len(branch.up), dtype=np.bool_) if self.certain else None
        numa = load.model
        fits = _possible(numa, load, need)
        if self.certain:
            return fits & numa.known & _certain(numa, load, need)
        return fits | ~numa.known

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """What the server needs, or that the host's cells or their use are unknown."""
        facts: dict[str, object] = {"host": branch.model.hosts.name[host]}
        need, load = branch.guest(server), branch.numa
        if need is None or load is None or not load.model.known[host]:
            return Cause(NUMA_UNKNOWN, facts)
        numa = load.model
        if _possible(numa, load, need)[host]:
            return Cause(NUMA_UNKNOWN, facts)
        cells = int(np.count_nonzero(numa.exists[:, host]))
        return Cause(NUMA_CELLS, {**facts, "cells": cells, "needed": _described(need.guest)})


def unchecked_moves(branch: Branch) -> Cause | None:
    """A note on moves of servers with NUMA cells to hosts whose cells are unknown."""
    known = branch.model.hosts.numa
    unchecked = [
        move.destination
        for move in branch.net_moves()
        if branch.guest(move.server) is not None and known[move.destination] is None
    ]
    if not unchecked:
        return None
    names = sorted({branch.model.hosts.name[host] for host in unchecked})
    host = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Cause(NUMA_UNCHECKED, {"host": host, "count": len(unchecked)})


def _possible(numa: NumaModel, load: NumaLoad, need: GuestNeed) -> BoolArray:
    """bool[hosts]: what is known does not exclude a fit."""
    free = [_free(numa, load, cell) for cell in need.cells]
    mask = matched(free, [cell.count for cell in need.cells])
    for row in np.flatnonzero(need.asks):
        mask &= load.asked[row] + need.asks[row] <= numa.total[row]
    for cell in need.cells:
        if cell.pages and len(cell.pages) > 1:
            rows = [load.asked[r] + amount <= numa.total[r] for r, amount in cell.pages]
            mask &= np.logical_or.reduce(rows)
    return mask


def _free(numa: NumaModel, load: NumaLoad, cell: CellNeed) -> BoolArray:
    """bool[cells, hosts]: the guest's cell fits in addition to the known use of the host's cell."""
    mask = numa.exists.copy()
    for row, amount in cell.whole:
        mask &= amount <= numa.whole[row]
    for row, amount in cell.asks:
        mask &= load.free[row] >= amount
    if cell.pages is not None:
        some = [load.free[row] >= amount for row, amount in cell.pages]
        mask &= np.logical_or.reduce(some) if some else False
    return mask


def matched(free: Sequence[BoolArray], counts: Sequence[int]) -> BoolArray:
    """bool[hosts]: all guest cells can get distinct host cells.

    Args:
        free: for each distinct guest cell bool[cells, hosts], where it fits.
        counts: the number of guest cells of each kind.
    """
    mask: BoolArray = free[0].sum(axis=0) >= counts[0]
    if len(free) > MOST_SUBSETS:
        mask[:] = [_all_matched([f[:, host] for f in free], counts) for host in range(len(mask))]
        return mask
    for size in range(1, len(free) + 1):
        for some in combinations(range(len(free)), size):
            either = np.logical_or.reduce([free[kind] for kind in some])
            mask &= either.sum(axis=0) >= sum(counts[kind] for kind in some)
    return mask


def _all_matched(free: Sequence[BoolArray], counts: Sequence[int]) -> bool:
    """Whether all guest cells fit on one host: augmenting paths (Kuhn's algorithm)."""
    guests = [np.flatnonzero(free[kind]) for kind, n in enumerate(counts) for _ in range(n)]
    assigned: dict[int, int] = {}

    def assign(guest: int, visited: set[int]) -> bool:
        for cell in map(int, guests[guest]):
            if cell not in visited:
                visited.add(cell)
                if cell not in assigned or assign(assigned[cell], visited):
                    assigned[cell] = guest
                    return True
        return False

    return all(assign(guest, set()) for guest in range(len(guests)))


def _certain(numa: NumaModel, load: NumaLoad, need: GuestNeed) -> BoolArray:
    """bool[hosts]: enough cells stay free, whichever cells the servers with unknown cells use.

    They spoil a cell if they use so much of one row there that the most demanding cell of the guest
    no longer fits. Their total use limits the number of spoiled cells, and each of their own cells
    spoils at most one. That each remaining cell can take each cell of the guest is more than a fit
    needs, but Nova tries arrangements one after the other, mixes up what it has tried, and can
    miss any other fit.
    """
    asks = _largest(cell.asks for cell in need.cells)
    whole = _largest(cell.whole for cell in need.cells)
    pages = [dict(cell.pages or ()) for cell in need.cells]
    choices: list[dict[int, int]] = [{}]
    if need.cells[0].pages is not None:
        common = set(pages[0]).intersection(*pages)
        choices = [{row: max(one[row] for one in pages)} for row in sorted(common)]
    mask = np.zeros(len(numa.known), dtype=np.bool_)
    for choice in choices:
        mask |= _remaining_cells(numa, load, {**asks, **choice}, whole) >= len(need.guest.cells)
    return mask


def _remaining_cells(
    numa: NumaModel, load: NumaLoad, needs: dict[int, int], whole: dict[int, int]
) -> FloatArray:
    """float64[hosts]: cells that can hold such needs, less those that may be spoiled."""
    good = numa.exists.copy()
    for row, amount in whole.items():
        good &= amount <= numa.whole[row]
    for row, amount in needs.items():
        good &= load.free[row] >= amount
    spoiled = np.zeros(len(numa.known))
    for row, amount in needs.items():
        loose = load.loose[row]
        if loose.any():
            price = np.where(good, load.free[row], np.inf).min(axis=0) - (amount - 1)
            spoiled += np.floor(loose / price)  # exact for whole numbers, and faster than //
    left: FloatArray = good.sum(axis=0) - np.minimum(spoiled, load.loose_cells)
    return left


def _largest(parts: Iterable[Iterable[Amount]]) -> dict[int, int]:
    """Row → the largest amount of it."""
    found: dict[int, int] = {}
    for row, amount in (one for part in parts for one in part):
        found[row] = max(amount, found.get(row, 0))
    return found


def _described(guest: Guest) -> str:
    """A text that describes a guest's cells."""
    page = guest.page if isinstance(guest.page, str) else f"{guest.page} kB"
    ending = "" if guest.page is None else f", {page} pages"
    counts = {cell: guest.cells.count(cell) for cell in guest.cells}
    return "; ".join(
        f"{count} x ({cell.dedicated} dedicated and {cell.shared} shared CPUs, "
        f"{cell.memory_mb} MB{ending})"
        for cell, count in counts.items()
    )
