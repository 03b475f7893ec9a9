"""NUMA cells as arrays: their capacity, what servers need, and what is in use.

Nova reports the cells of a server in one request per server only, so they are mostly unknown. Where
they are known, they hold for as long as the server stays on its host. docs/constraints.md explains
what follows for the rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.numa.guest import Guest, GuestCell, guest
from domain.cluster.table.columns import BoolArray, FloatArray, frozen

DEDICATED, SHARED, MEMORY, ORDINARY = range(4)
ROWS = ("dedicated CPUs", "shared CPUs", "MB", "MB in ordinary pages")
"""Rows of the arrays; then one for each size of huge pages."""
_MB_KB = 1024
Amount = tuple[int, int]
"""Row, and how much of it."""


@dataclass(frozen=True)
class CellNeed:
    """What one cell of a guest needs of a cell of a host.

    Attributes:
        count: how many such cells the guest has.
        asks: amounts that must be free in the host's cell.
        pages: one of these amounts must be free too; None if the cell needs no pages of its own.
        whole: amounts that the host's cell must have in total, free or in use.
        holds: amounts that it certainly uses in its host's cell.
    """

    count: int
    asks: tuple[Amount, ...]
    pages: tuple[Amount, ...] | None
    whole: tuple[Amount, ...]
    holds: tuple[Amount, ...]


@dataclass(frozen=True)
class GuestNeed:
    """What a guest needs.

    Attributes:
        guest: the guest.
        cells: the needs of its cells, equal ones once.
        asks: float64[rows], what all its cells need, without pages whose size the cloud chooses.
        loose: float64[2 * rows + 1], ``asks``, then what its cells may use if it is unknown which
            host cells they are in, then the number of these cells.
        placed: the same if the host cells are known: what it may use beyond ``holds``.
        holds: for each of its cells float64[rows], what it certainly uses.
    """

    guest: Guest
    cells: tuple[CellNeed, ...]
    asks: FloatArray
    loose: FloatArray
    placed: FloatArray
    holds: tuple[FloatArray, ...]


@dataclass(frozen=True, eq=False)
class NumaModel:
    """The NUMA side of a compute model.

    Attributes:
        rows: names of the rows: ``ROWS``, then sizes of huge pages.
        known: bool[hosts], hosts whose cells are known.
        limit: float64[rows, cells, hosts], what can be allocated in a cell, whole numbers; -1 where
            the host has no such cell.
        whole: float64[rows, cells, hosts], what one server can get of a cell.
        sizes: the sizes of huge pages, kB.
        kinds: the distinct guests.
        kind: index in ``kinds`` of each server; -1 if it floats.
        known_cells: server → index of the host's cell for each of its cells.
        home: host of each server as collected.
    """

    rows: tuple[str, ...]
    known: BoolArray
    limit: FloatArray
    whole: FloatArray
    sizes: tuple[int, ...]
    kinds: tuple[GuestNeed, ...]
    kind: tuple[int, ...]
    known_cells: Mapping[int, tuple[int, ...]]
    home: tuple[int, ...]

    @staticmethod
    def of(hosts: HostColumns, servers: ServerColumns) -> "NumaModel":
        """The NUMA side of some hosts and servers."""
        guests, kind = _guests(servers)
        topologies = [cells for cells in hosts.numa.table if cells is not None]
        sizes = sorted({size for cells in topologies for c in cells for size, _ in c.pages})
        limit, whole = _room(hosts, sizes)
        return NumaModel(
            rows=(*ROWS, *(f"pages of {size} kB" for size in sizes)),
            known=hosts.numa.where(lambda cells: cells is not None),
            limit=limit,
            whole=whole,
            sizes=tuple(sizes),
            kinds=tuple(_need(one, sizes) for one in guests),
            kind=kind,
            known_cells=_known_cells(hosts, servers, guests, kind),
            home=tuple(servers.host.tolist()),
        )

    def need(self, server: int) -> GuestNeed | None:
        """What a server needs; None if it floats."""
        kind = self.kind[server]
        return None if kind < 0 else self.kinds[kind]

    def need_of(self, flavor: Flavor) -> GuestNeed | None:
        """What a server with a flavor needs; None if it floats."""
        one = guest(flavor.vcpus, flavor.memory_mb, flavor.extra_specs)
        return None if one is None else _need(one, self.sizes)

    @cached_property
    def start(self) -> "NumaLoad":
        """Use of the cells before any move. Do not change it: branches copy it."""
        return NumaLoad(self)

    @cached_property
    def total(self) -> FloatArray:
        """float64[rows, hosts]: what can be allocated in all cells of a host."""
        return frozen(np.maximum(self.limit, 0.0).sum(axis=1))

    @cached_property
    def exists(self) -> BoolArray:
        """bool[cells, hosts]: the host has such a cell."""
        return frozen(self.limit[MEMORY] >= 0)


class NumaLoad:
    """Use of the cells of all hosts on a branch.

    Attributes:
        model: the cells.
        resized: server → what it needs, of the servers that have another flavor than in the model.
        free: float64[rows, cells, hosts], what servers with known cells leave free.
        asked: float64[rows, hosts], what all servers on a host requested.
        loose: float64[rows, hosts], what servers with unknown cells may use, in any cell; and
            pages of servers with known cells, if the size of the pages is unknown.
        loose_cells: float64[hosts], number of the servers' cells that ``loose`` counts.
    """

    def __init__(self, numa: NumaModel) -> None:
        self.model = numa
        self.resized: Mapping[int, GuestNeed | None] = {}
        self.free: FloatArray = numa.limit.copy()
        self._sums: FloatArray = np.zeros((2 * len(numa.rows) + 1, len(numa.known)))
        for server in np.flatnonzero(np.array(numa.kind, dtype=np.int64) >= 0).tolist():
            self.carry(server, numa.home[server])

    @property
    def asked(self) -> FloatArray:  # noqa: D102 - see the class
        return self._sums[: len(self.model.rows)]

    @property
    def loose(self) -> FloatArray:  # noqa: D102 - see the class
        return self._sums[len(self.model.rows) : -1]

    @property
    def loose_cells(self) -> FloatArray:  # noqa: D102 - see the class
        counts: FloatArray = self._sums[-1]
        return counts

    def copy(self, resized: Mapping[int, GuestNeed | None]) -> "NumaLoad":
        """An independent copy that follows the changes of ``resized``."""
        twin = copy(self)
        twin.resized = resized
        twin.free, twin._sums = self.free.copy(), self._sums.copy()  # noqa: SLF001 - its own
        return twin

    def carry(self, server: int, host: int) -> None:
        """Adds a server to a host; does nothing if it floats."""
        need = self._need(server)
        if need is None:
            return
        cells = self._cells(server, host)
        self._sums[:, host] += need.loose if cells is None else need.placed
        for cell, held in zip(cells or (), need.holds, strict=False):
            self.free[:, cell, host] -= held

    def drop(self, server: int, host: int) -> None:
        """Removes a server from a host that it was added to."""
        need = self._need(server)
        if need is None:
            return
        cells = self._cells(server, host)
        self._sums[:, host] -= need.loose if cells is None else need.placed
        for cell, held in zip(cells or (), need.holds, strict=False):
            self.free[:, cell, host] += held

    def _cells(self, server: int, host: int) -> tuple[int, ...] | None:
        """The cells of a server if they are known: on the host and with the flavor as collected."""
        if host != self.model.home[server] or server in self.resized:
            return None
        return self.model.known_cells.get(server)

    def _need(self, server: int) -> GuestNeed | None:
        return self.resized[server] if server in self.resized else self.model.need(server)


def _guests(servers: ServerColumns) -> tuple[list[Guest], tuple[int, ...]]:
    """The distinct guests, and the index of each server's guest (-1: it floats)."""
    found: dict[Guest, int] = {}
    kind = np.full(len(servers), -1, dtype=np.int64)
    for code, specs in enumerate(servers.extra_specs.table):
        if not specs:
            continue
        rows = np.flatnonzero(servers.extra_specs.codes == code)
        sizes = np.stack([servers.vcpus[rows], servers.memory_mb[rows]])
        for vcpus, memory in np.unique(sizes, axis=1).T.tolist():
            one = guest(vcpus, memory, specs)
            if one is not None:
                same = (servers.vcpus[rows] == vcpus) & (servers.memory_mb[rows] == memory)
                kind[rows[same]] = found.setdefault(one, len(found))
    return list(found), tuple(kind.tolist())


def _room(hosts: HostColumns, sizes: list[int]) -> tuple[FloatArray, FloatArray]:
    """``limit`` and ``whole`` of a NumaModel."""
    table = hosts.numa.table
    most = max((len(cells) for cells in table if cells is not None), default=0)
    whole = np.full((len(ROWS) + len(sizes), most, len(table)), -1.0)
    for code, cells in enumerate(table):
        for place, cell in enumerate(cells or ()):
            counts = dict(cell.pages)
            huge = sum(size * count for size, count in cell.pages) // _MB_KB
            amounts = (cell.pcpus, cell.cpus, cell.memory_mb, max(0, cell.memory_mb - huge))
            whole[:, place, code] = [*amounts, *(counts.get(size, 0) for size in sizes)]
    of_host = whole[:, :, hosts.numa.codes] if len(hosts) else whole[:, :, :0]
    limit = of_host.copy()
    for row, ratio in ((SHARED, hosts.cpu_ratio), (MEMORY, hosts.ram_ratio)):
        limit[row] = np.where(of_host[row] < 0, -1.0, np.floor(of_host[row] * ratio))
    return frozen(limit), frozen(of_host)


def _known_cells(
    hosts: HostColumns, servers: ServerColumns, guests: list[Guest], kind: tuple[int, ...]
) -> dict[int, tuple[int, ...]]:
    """Cells that Nova reported, if they match both the guest and its host; others are ignored."""
    known: dict[int, tuple[int, ...]] = {}
    for server in np.flatnonzero(
        servers.numa_nodes.where(lambda nodes: nodes is not None)
    ).tolist():
        nodes = servers.numa_nodes[server]
        topology = hosts.numa[int(servers.host[server])]
        if nodes is None or topology is None or kind[server] < 0:
            continue
        places = {cell.id: place for place, cell in enumerate(topology)}
        if len(nodes) == len(guests[kind[server]].cells) and places.keys() >= set(nodes):
            known[server] = tuple(places[node] for node in nodes)
    return known


def _need(one: Guest, sizes: Sequence[int]) -> GuestNeed:
    cells = {cell: _cell_need(cell, one, sizes) for cell in dict.fromkeys(one.cells)}
    asks, most, sure = np.zeros((3, len(ROWS) + len(sizes)))
    for cell in map(cells.__getitem__, one.cells):
        choices = cell.pages or ()
        asks += _vector(asks, (*cell.asks, *choices) if len(choices) == 1 else cell.asks)
        sure += _vector(asks, cell.holds)
        most += _vector(asks, (*cell.holds, *choices) if len(choices) > 1 else cell.holds)
    unsure = sum(len(cells[cell].pages or ()) > 1 for cell in one.cells)
    return GuestNeed(
        guest=one,
        cells=tuple(cells.values()),
        asks=frozen(asks),
        loose=frozen(np.concatenate([asks, most, [len(one.cells)]])),
        placed=frozen(np.concatenate([asks, most - sure, [unsure]])),
        holds=tuple(_vector(asks, cells[cell].holds) for cell in one.cells),
    )


def _vector(like: FloatArray, amounts: Iterable[Amount]) -> FloatArray:
    vector = np.zeros_like(like)
    for row, amount in amounts:
        vector[row] += amount
    return frozen(vector)


def _cell_need(cell: GuestCell, one: Guest, sizes: Sequence[int]) -> CellNeed:
    asks: list[Amount] = []
    if one.policy != "shared":
        asks.append((DEDICATED, cell.dedicated))
    if one.policy != "dedicated":
        asks += [(SHARED, cell.shared), (MEMORY, cell.memory_mb)]
    pages = _page_choices(cell.memory_mb, one, sizes)
    whole = [(SHARED, cell.shared)] if one.policy != "dedicated" else []
    holds = [(DEDICATED, cell.dedicated), (SHARED, cell.shared), (MEMORY, cell.memory_mb)]
    if pages is None:
        whole.append((ORDINARY, cell.memory_mb))
        holds.append((ORDINARY, cell.memory_mb))
    elif len(pages) == 1:
        holds.append(pages[0])
    return CellNeed(one.cells.count(cell), tuple(asks), pages, tuple(whole), tuple(holds))


def _page_choices(memory_mb: int, one: Guest, sizes: Sequence[int]) -> tuple[Amount, ...] | None:
    """Rows that can supply the memory of a cell; None for ordinary, overcommittable memory."""
    ordinary = (ORDINARY, memory_mb)
    huge = [
        (len(ROWS) + place, memory_mb * _MB_KB // size)
        for place, size in enumerate(sizes)
        if memory_mb * _MB_KB % size == 0 and one.page in ("large", "any", size)
    ]
    if one.page is None:
        return None if one.policy == "shared" else (ordinary,)
    if one.page == "small":
        return (ordinary,)
    return (*huge, ordinary) if one.page == "any" else tuple(huge)
