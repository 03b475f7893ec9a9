"""The NUMA topology that a flavor's extra specs request.

A server has a NUMA topology if its flavor requests cells (``hw:numa_nodes``), a page size
(``hw:mem_page_size``), dedicated CPUs or persistent memory (``hw:pmem``): Nova, *Compute Flavors*
and *CPU topologies*. All others float over the whole host.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from domain.cluster.compute.resources import cpu_set, dedicated_set, emulator_cpus, number

Policy = Literal["shared", "mixed", "dedicated"]
Page = int | Literal["small", "large", "any"] | None
"""A size in kB, ``small`` (ordinary pages), ``large`` (any huge page), ``any``; None: not set."""

MOST_CELLS = 128
"""Nova's limit for ``hw:numa_nodes``."""
HUGE_KB = 1024
"""Pages of at least this size, kB, are huge. Ordinary pages have 4 to 64 kB."""
_SIZE = re.compile(r"(?P<number>\d+)(?:(?P<unit>[KMGT])i?B)?")
_PINNING: Mapping[str, Policy] = {"mixed": "mixed", "dedicated": "dedicated"}
_PAGES: Mapping[str, Page] = {"small": "small", "large": "large", "any": "any"}
_KB = {None: 1, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


class GuestCell(NamedTuple):
    """A NUMA cell of a server: dedicated and shared CPUs, memory in MB."""

    dedicated: int
    shared: int
    memory_mb: int


class Guest(NamedTuple):
    """The NUMA topology of a server.

    Attributes:
        cells: its cells, in order.
        policy: how its CPUs are allocated.
        page: the pages that its memory needs.
    """

    cells: tuple[GuestCell, ...]
    policy: Policy
    page: Page


def guest(vcpus: int, memory_mb: int, extra_specs: Mapping[str, str]) -> Guest | None:
    """The NUMA topology that a flavor requests; None if it requests none.

    A topology that Nova refuses to build (a number of cells that does not divide the CPUs and the
    memory, or a map of cells that does not cover them) is read as an even split, rounded up.
    """
    policy = _policy(extra_specs)
    page = _page(extra_specs.get("hw:mem_page_size", ""))
    nodes = _nodes(extra_specs.get("hw:numa_nodes", ""))
    pmem = extra_specs.get("hw:pmem", "").strip(" ,")
    if policy == "shared" and page is None and nodes is None and not pmem:
        return None
    dedicated = set(range(vcpus)) if policy == "dedicated" else set[int]()
    if policy == "mixed":
        dedicated = dedicated_set(vcpus, extra_specs)
    parts = _mapped(nodes or 1, vcpus, memory_mb, extra_specs) or _even(
        nodes or 1, vcpus, memory_mb
    )
    cells = [GuestCell(len(c & dedicated), len(c - dedicated), memory) for c, memory in parts]
    first = cells[0]
    cells[0] = first._replace(dedicated=first.dedicated + emulator_cpus(extra_specs))
    return Guest(tuple(cells), policy, page)


def _policy(extra_specs: Mapping[str, str]) -> Policy:
    policy = extra_specs.get("hw:cpu_policy")
    if policy:
        return _PINNING.get(policy, "shared")
    pinned = extra_specs.get("resources:PCPU", "")
    return "dedicated" if number(pinned) else "shared"


def _page(text: str) -> Page:
    word = text.strip()
    found = _SIZE.fullmatch(word)
    if found is None or not number(found["number"]):
        return _PAGES.get(word)
    size = number(found["number"]) * _KB[found["unit"]]
    return size if size >= HUGE_KB else "small"


def _nodes(text: str) -> int | None:
    nodes = number(text)
    return nodes if 1 <= nodes <= MOST_CELLS else None


def _even(nodes: int, vcpus: int, memory_mb: int) -> list[tuple[set[int], int]]:
    each, memory = -(-vcpus // nodes), -(-memory_mb // nodes)
    all_cpus = set(range(vcpus))
    return [(all_cpus & set(range(n * each, (n + 1) * each)), memory) for n in range(nodes)]


def _mapped(
    nodes: int, vcpus: int, memory_mb: int, extra_specs: Mapping[str, str]
) -> list[tuple[set[int], int]] | None:
    """The cells that ``hw:numa_cpus.N`` and ``hw:numa_mem.N`` define; None if not all do."""
    parts: list[tuple[set[int], int]] = []
    for node in range(nodes):
        cpus = extra_specs.get(f"hw:numa_cpus.{node}", "")
        memory = extra_specs.get(f"hw:numa_mem.{node}", "")
        if not cpus or not memory.isdecimal():
            return None
        parts.append((cpu_set(cpus, vcpus), number(memory)))
    covered = sorted(cpu for cpus_of, _ in parts for cpu in cpus_of)
    whole = covered == list(range(vcpus)) and sum(memory for _, memory in parts) == memory_mb
    return parts if whole else None
