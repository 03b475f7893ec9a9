"""The verifier's check of NUMA cells: it tries all arrangements.

It reads extra specs and topologies itself and shares no code with ``compute.numa`` and its rule.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.verifier.extra_specs import figure, masked, overhead

Amounts = dict[str, int]
"""``pinned``, ``floating`` (CPUs), ``memory``, ``plain`` (MB), or ``page <kB>`` (pages)."""
_UNITS = {"": 1, "K": 1, "M": 1 << 10, "G": 1 << 20, "T": 1 << 30}


@dataclass(frozen=True)
class _Part:
    """One cell of a server.

    Attributes:
        must: amounts that must be free, without pages.
        either: alternatives for its memory, one of which must be free; None: overcommittable.
        bare: amounts that a cell must have in total, free or in use.
        weight: what it uses in any case.
    """

    must: Amounts
    either: list[Amounts] | None
    bare: Amounts
    weight: Amounts

    def taken(self) -> Amounts:
        """What it certainly uses."""
        ways = self.either or []
        return {**self.weight, **ways[0]} if len(ways) == 1 else self.weight

    def perhaps(self) -> Amounts:
        """What it may use in addition: all alternatives together, if there are several."""
        ways = self.either or []
        return {k: v for way in ways for k, v in way.items()} if len(ways) > 1 else {}


@dataclass(frozen=True)
class _Cell:
    """A cell of a host: what can be allocated in it, and what one server can get of it."""

    number: int
    room: Mapping[str, Fraction]
    bare: Mapping[str, int]


@dataclass(frozen=True)
class PlainCells:
    """The cells of hosts and servers; lists are by host or by server index.

    Attributes:
        hosts: None for a host with unknown cells.
        parts: None for a server without a NUMA topology.
        named: numbers of the host's cells that each server is in; None if unknown.
        home: host of each server as collected.
        sizes: of huge pages, kB.
        resized: servers with another flavor than in the model: their cells are unknown.
    """

    hosts: list[list[_Cell] | None]
    parts: list[list[_Part] | None]
    named: list[tuple[int, ...] | None]
    home: list[int]
    sizes: set[int]
    resized: set[int] = field(default_factory=set)

    def resize(self, server: int, flavor: Flavor, *, known: bool) -> None:
        """Gives a server another flavor, or that of the model (``known``)."""
        self.parts[server] = _read_parts(
            flavor.vcpus, flavor.memory_mb, flavor.extra_specs, self.sizes
        )
        (self.resized.discard if known else self.resized.add)(server)

    def short(self, server: int, host: int, there: set[int], *, certain: bool) -> bool:
        """Whether a server's cells do not fit in addition to those of the servers on a host."""
        parts, cells = self.parts[server], self.hosts[host]
        if parts is None:
            return False
        if cells is None:
            return certain
        held: dict[int, Amounts] = {cell.number: {} for cell in cells}
        loose: Amounts = {}
        asked: Amounts = {}
        for other in there:
            theirs = self.parts[other] or []
            for part in theirs:
                _add(asked, part.must)
                if part.either is not None and len(part.either) == 1:
                    _add(asked, part.either[0])
            self._add_use(other, host, theirs, held, loose)
        choices = [
            [cell.number for cell in cells if _fits(part, cell, held[cell.number])]
            for part in parts
        ]
        if len({number for some in choices for number in some}) < len(parts):
            return True
        if not _all_matched(choices, frozenset()):
            return True
        if _exceeds_total(parts, asked, cells):
            return True
        return certain and not _certainly_fits(parts, cells, held, loose)

    def _add_use(
        self,
        server: int,
        host: int,
        parts: list[_Part],
        held: dict[int, Amounts],
        loose: Amounts,
    ) -> None:
        named = None if server in self.resized else self.named[server]
        known = named is not None and len(named) == len(parts) and set(named) <= set(held)
        if named is None or not known or host != self.home[server]:
            for part in parts:
                _add(loose, {**part.taken(), **part.perhaps(), "cells": 1})
            return
        for number, part in zip(named, parts, strict=True):
            _add(held[number], part.taken())
            if part.perhaps():
                _add(loose, {**part.perhaps(), "cells": 1})


def _add(into: Amounts, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, 0) + amount


def _fits(part: _Part, cell: _Cell, held: Amounts) -> bool:
    if any(amount > cell.bare.get(name, 0) for name, amount in part.bare.items()):
        return False
    if not _has(cell, held, part.must):
        return False
    return part.either is None or any(_has(cell, held, way) for way in part.either)


def _has(cell: _Cell, held: Amounts, needs: Amounts) -> bool:
    return all(
        held.get(name, 0) + amount <= cell.room.get(name, 0) for name, amount in needs.items()
    )


def _all_matched(choices: list[list[int]], used: frozenset[int]) -> bool:
    """Whether each part can get a cell of its own: tries all arrangements."""
    if not choices:
        return True
    return any(
        number not in used and _all_matched(choices[1:], used | {number}) for number in choices[0]
    )


def _exceeds_total(parts: list[_Part], asked: Amounts, cells: list[_Cell]) -> bool:
    """Whether all requests together exceed all cells together."""
    room: Amounts = {}
    for cell in cells:
        _add(room, {name: math.floor(amount) for name, amount in cell.room.items()})
    more: Amounts = {}
    for part in parts:
        _add(more, part.must)
        ways = part.either
        if ways is not None and len(ways) == 1:
            _add(more, ways[0])
        elif ways is not None and not any(_is_left(room, asked, way) for way in ways):
            return True
    return not _is_left(room, asked, {name: amount for name, amount in more.items() if amount})


def _is_left(room: Amounts, asked: Amounts, needs: Amounts) -> bool:
    return all(asked.get(n, 0) + amount <= room.get(n, 0) for n, amount in needs.items())


def _certainly_fits(
    parts: list[_Part], cells: list[_Cell], held: dict[int, Amounts], loose: Amounts
) -> bool:
    """Whether the server fits for every distribution of the loose amounts over the cells."""
    names = [{name for way in part.either or () for name in way} for part in parts]
    ways: list[str | None] = [None]
    if parts[0].either is not None:
        ways = list(set(names[0]).intersection(*names))
    return any(_certainly_fits_with(way, parts, cells, held, loose) for way in ways)


def _certainly_fits_with(
    way: str | None,
    parts: list[_Part],
    cells: list[_Cell],
    held: dict[int, Amounts],
    loose: Amounts,
) -> bool:
    wanted: Amounts = {}
    bare: Amounts = {}
    for part in parts:
        chosen = [one for one in part.either or () if way in one]
        for needs in (part.must, *chosen):
            wanted.update({n: max(a, wanted.get(n, 0)) for n, a in needs.items()})
        bare.update({n: max(a, bare.get(n, 0)) for n, a in part.bare.items()})
    worst = _Part(wanted, None, bare, {})
    good = [cell for cell in cells if _fits(worst, cell, held[cell.number])]
    spoiled = 0
    for name, amount in wanted.items():
        prices = [
            math.floor(cell.room.get(name, 0)) - held[cell.number].get(name, 0) - amount + 1
            for cell in good
        ]
        spoiled += loose.get(name, 0) // min(prices) if prices else 0
    return len(good) - min(spoiled, loose.get("cells", 0)) >= len(parts)


# -- reading -------------------------------------------------------------------------------------


def read_cells(model: ComputeModel) -> PlainCells:
    """The cells of a model."""
    hosts = [_read_host(model, host) for host in range(len(model.hosts))]
    sizes = {
        int(name.removeprefix("page "))
        for cells in hosts
        for cell in cells or ()
        for name in cell.bare
        if name.startswith("page ")
    }
    servers = model.servers
    parts = [
        _read_parts(int(servers.vcpus[s]), int(servers.memory_mb[s]), servers.extra_specs[s], sizes)
        for s in range(len(servers))
    ]
    named = [servers.numa_nodes[s] for s in range(len(servers))]
    return PlainCells(hosts, parts, named, [int(host) for host in servers.host], sizes)


def _read_host(model: ComputeModel, host: int) -> list[_Cell] | None:
    topology = model.hosts.numa[host]
    if topology is None:
        return None
    cells = []
    for cell in topology:
        pages = {f"page {size}": count for size, count in cell.pages}
        huge = sum(size * count for size, count in cell.pages)
        bare = {
            "pinned": cell.pcpus,
            "floating": cell.cpus,
            "memory": cell.memory_mb,
            "plain": max(0, cell.memory_mb - huge // 1024),
            **pages,
        }
        room = {name: Fraction(amount) for name, amount in bare.items()}
        room["floating"] = Fraction(cell.cpus * float(model.hosts.cpu_ratio[host]))
        room["memory"] = Fraction(cell.memory_mb * float(model.hosts.ram_ratio[host]))
        cells.append(_Cell(cell.id, room, bare))
    return cells


def _read_parts(
    vcpus: int, memory: int, specs: Mapping[str, str], sizes: set[int]
) -> list[_Part] | None:
    if not specs:
        return None
    pinning = specs.get("hw:cpu_policy", "")
    if pinning == "" and specs.get("resources:PCPU", "0").strip("0").isdecimal():
        pinning = "dedicated"
    page = _page_size(specs.get("hw:mem_page_size", ""))
    asked = specs.get("hw:numa_nodes", "")
    nodes = figure(asked) if figure(asked) <= 128 else 0  # noqa: PLR2004 - Nova
    persistent = any(label.strip() for label in specs.get("hw:pmem", "").split(","))
    if pinning not in ("dedicated", "mixed") and not page and not nodes and not persistent:
        return None
    pinned = set(range(vcpus)) if pinning == "dedicated" else set()
    if pinning == "mixed":
        mask = specs.get("hw:cpu_dedicated_mask") or specs.get("hw:cpu_realtime_mask")
        pinned = masked(mask, vcpus) if mask else set(range(vcpus))
    split = _explicit_split(nodes or 1, vcpus, memory, specs) or _even_split(
        nodes or 1, vcpus, memory
    )
    parts = []
    for place, (cpus, share) in enumerate(split):
        own = sum(cpu in pinned for cpu in cpus)
        extra = overhead(specs) if place == 0 else 0
        parts.append(
            _part(pinning, own + extra, len(cpus) - own, share, _page_choices(page, share, sizes))
        )
    return parts


def _part(
    pinning: str, pinned: int, floating: int, memory: int, ways: list[Amounts] | None
) -> _Part:
    must: Amounts = {}
    bare: Amounts = {}
    weight = {"pinned": pinned, "floating": floating, "memory": memory}
    if pinning in ("dedicated", "mixed"):
        must["pinned"] = pinned
    if pinning != "dedicated":
        must |= {"floating": floating, "memory": memory}
        bare["floating"] = floating
    if ways is None and pinning in ("dedicated", "mixed"):
        ways = [{"plain": memory}]
    if ways is None:
        bare["plain"] = weight["plain"] = memory
    return _Part(must, ways, bare, weight)


def _page_size(text: str) -> str:
    """``small``, ``large``, ``any``, a size in kB, or nothing."""
    word = text.strip()
    if word in ("small", "large", "any"):
        return word
    stem = word.removesuffix("B") if word.endswith("B") else word
    if stem != word:
        stem = stem.removesuffix("i")
    unit = stem[-1:] if stem != word and stem[-1:] in _UNITS else ""
    digits = stem.removesuffix(unit)
    if figure(digits) == 0 or (stem != word and not unit):
        return ""
    size = figure(digits) * _UNITS[unit]
    return str(size) if size >= 1024 else "small"  # noqa: PLR2004 - smaller pages are no huge ones


def _page_choices(page: str, memory: int, sizes: Iterable[int]) -> list[Amounts] | None:
    if page == "":
        return None
    found = []
    for size in sizes:
        whole, rest = divmod(memory * 1024, size)
        if rest == 0 and page in ("large", "any", str(size)):
            found.append({f"page {size}": whole})
    if page in ("small", "any"):
        found.append({"plain": memory})
    return found


def _even_split(nodes: int, vcpus: int, memory: int) -> list[tuple[list[int], int]]:
    cpus, share = math.ceil(vcpus / nodes), math.ceil(memory / nodes)
    return [(list(range(vcpus))[n * cpus : (n + 1) * cpus], share) for n in range(nodes)]


def _explicit_split(
    nodes: int, vcpus: int, memory: int, specs: Mapping[str, str]
) -> list[tuple[list[int], int]] | None:
    found = []
    for node in range(nodes):
        names, share = specs.get(f"hw:numa_cpus.{node}"), specs.get(f"hw:numa_mem.{node}")
        if not names or not share or not share.isdecimal():
            return None
        found.append((sorted(masked(names, vcpus)), figure(share)))
    all_cpus = [cpu for cpus, _ in found for cpu in cpus]
    complete = len(all_cpus) == vcpus == len(set(all_cpus))
    return found if complete and sum(share for _, share in found) == memory else None
