"""The NUMA cells of a host have room for those of a server."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from domain.cluster.compute.numa.guest import Guest
from domain.cluster.compute.numa.model import Amount, CellNeed, GuestNeed, NumaLoad, NumaModel
from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.reasons import Cause, Reason

MOST_SUBSETS = 6
"""Up to so many different cells of a guest are matched to host cells by asking each subset of them
(Hall's theorem), on all hosts at once. More never occur but in a test."""


class NumaTopology:
    """Each NUMA cell of a server fits into a NUMA cell of the host, no two into the same.

    By default a host is refused only if the server cannot fit, whichever cells the servers are in
    of which that is not known; a host whose cells are not known is never refused. ``certain``
    turns that round: a host is allowed only if its cells are known and the server fits whichever
    cells those servers are in.
    """

    def __init__(self, *, certain: bool = False) -> None:
        self.certain = certain

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: the server's cells fit; None for a server that floats."""
        numa = branch.model.numa
        need = None if numa is None else numa.need(server)
        if numa is None or need is None:
            return None
        load = branch.numa
        if load is None:
            return np.zeros(len(numa.known), dtype=np.bool_) if self.certain else None
        fits = _possible(numa, load, need)
        if self.certain:
            return fits & numa.known & _certain(numa, load, need)
        return fits | ~numa.known

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """What the server needs, or that the host's cells or what is in them are not known."""
        facts: dict[str, object] = {"host": branch.model.hosts.name[host]}
        numa, load = branch.model.numa, branch.numa
        if numa is None or load is None or not numa.known[host]:
            return Cause(Reason.NUMA_UNKNOWN, facts)
        need = numa.kinds[numa.kind[server]]
        if _possible(numa, load, need)[host]:
            return Cause(Reason.NUMA_UNKNOWN, facts)
        cells = int(np.count_nonzero(numa.exists[:, host]))
        return Cause(Reason.NUMA_CELLS, {**facts, "cells": cells, "needed": _called(need.guest)})


def unknown_ends(branch: Branch) -> Cause | None:
    """That moves end on hosts whose NUMA cells are not known, by servers that need some."""
    numa = branch.model.numa
    if numa is None:
        return None
    blind = [
        move.destination
        for move in branch.net_moves()
        if numa.kind[move.server] >= 0 and not numa.known[move.destination]
    ]
    if not blind:
        return None
    names = sorted({branch.model.hosts.name[host] for host in blind})
    host = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Cause(Reason.NUMA_UNCHECKED, {"host": host, "count": len(blind)})


def _possible(numa: NumaModel, load: NumaLoad, need: GuestNeed) -> BoolArray:
    """bool[hosts]: nothing that is known is in the way."""
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
    """bool[cells, hosts]: the guest's cell fits beside what is known to be there."""
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
    """bool[hosts]: there are distinct host cells for all guest cells.

    Args:
        free: for each kind of guest cell bool[cells, hosts], where one fits.
        counts: how many there are of each kind.
    """
    mask: BoolArray = free[0].sum(axis=0) >= counts[0]
    if len(free) > MOST_SUBSETS:
        mask[:] = [_seated([f[:, host] for f in free], counts) for host in range(len(mask))]
        return mask
    for size in range(1, len(free) + 1):
        for some in combinations(range(len(free)), size):
            either = np.logical_or.reduce([free[kind] for kind in some])
            mask &= either.sum(axis=0) >= sum(counts[kind] for kind in some)
    return mask


def _seated(free: Sequence[BoolArray], counts: Sequence[int]) -> bool:
    """Whether all guest cells find a cell of one host: augmenting paths (Kuhn)."""
    guests = [np.flatnonzero(free[kind]) for kind, n in enumerate(counts) for _ in range(n)]
    taken: dict[int, int] = {}

    def seat(guest: int, tried: set[int]) -> bool:
        for cell in map(int, guests[guest]):
            if cell not in tried:
                tried.add(cell)
                if cell not in taken or seat(taken[cell], tried):
                    taken[cell] = guest
                    return True
        return False

    return all(seat(guest, set()) for guest in range(len(guests)))


def _certain(numa: NumaModel, load: NumaLoad, need: GuestNeed) -> BoolArray:
    """bool[hosts]: whichever cells the servers are in that are not told, enough cells stay free.

    To make a cell useless they must hold so much of one row there that the most demanding cell
    of the guest does not fit any more; what they hold in all makes only so many useless, and each
    of their own cells makes at most one. That each
    cell left takes each cell of the guest is more than a fit needs, but Nova, which tries one
    arrangement after the other and mixes up what it has tried, can miss any other fit.
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
        mask |= _left(numa, load, {**asks, **choice}, whole) >= len(need.guest.cells)
    return mask


def _left(
    numa: NumaModel, load: NumaLoad, needs: dict[int, int], whole: dict[int, int]
) -> FloatArray:
    """float64[hosts]: cells with room for such needs, less those that may have become useless."""
    good = numa.exists.copy()
    for row, amount in whole.items():
        good &= amount <= numa.whole[row]
    for row, amount in needs.items():
        good &= load.free[row] >= amount
    useless = np.zeros(len(numa.known))
    for row, amount in needs.items():
        loose = load.loose[row]
        if loose.any():
            price = np.where(good, load.free[row], np.inf).min(axis=0) - (amount - 1)
            useless += np.floor(loose / price)  # exact for whole numbers, and faster than //
    left: FloatArray = good.sum(axis=0) - np.minimum(useless, load.loose_cells)
    return left


def _largest(parts: Iterable[Iterable[Amount]]) -> dict[int, int]:
    """Row → the largest amount of it."""
    found: dict[int, int] = {}
    for row, amount in (one for part in parts for one in part):
        found[row] = max(amount, found.get(row, 0))
    return found


def _called(guest: Guest) -> str:
    """A guest's cells in words."""
    page = guest.page if isinstance(guest.page, str) else f"{guest.page} kB"
    ending = "" if guest.page is None else f", {page} pages"
    counts = {cell: guest.cells.count(cell) for cell in guest.cells}
    return "; ".join(
        f"{count} x ({cell.dedicated} dedicated and {cell.shared} shared CPUs, "
        f"{cell.memory_mb} MB{ending})"
        for cell, count in counts.items()
    )
