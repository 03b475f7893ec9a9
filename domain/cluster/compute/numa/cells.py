"""NUMA cells of a host, and their JSON form."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domain.cluster.table.columns import mapping, sequence
from domain.cluster.table.values import whole
from domain.kernel.errors import InvalidValue

_AMOUNTS = ("id", "cpus", "pcpus", "memory_mb")


class NumaCell(NamedTuple):
    """A NUMA cell (node) of a host. A tuple, so it is hashable, comparable and sortable.

    Attributes:
        id: its number on the host.
        cpus: host CPUs (threads) in it for shared use.
        pcpus: host CPUs in it for dedicated use.
        memory_mb: its memory, MB, with huge pages, but without pages reserved for the host.
        pages: (size in kB, number) of the huge pages for servers, by size. Ordinary pages are not
            listed: they are the rest of the memory.
    """

    id: int
    cpus: int = 0
    pcpus: int = 0
    memory_mb: int = 0
    pages: tuple[tuple[int, int], ...] = ()


Topology = tuple[NumaCell, ...]


def topology_record(topology: Topology | None) -> list[dict[str, object]] | None:
    """The JSON form of a topology. ``read_topology`` reverses it."""
    if topology is None:
        return None
    return [
        {**cell._asdict(), "pages": {str(size): count for size, count in cell.pages}}
        for cell in topology
    ]


def read_topology(place: str, data: object) -> Topology | None:
    """Reads a topology; None if it is unknown.

    Args:
        place: name of the field in errors.
        data: a list of objects, or None.

    Raises:
        InvalidValue: names the bad field.
    """
    if data is None:
        return None
    try:
        records = [mapping(record) for record in sequence(data)]
    except TypeError as error:
        raise InvalidValue(place, f"must be a list of objects ({error})") from error
    cells = tuple(_cell(f"{place}[{at}]", record) for at, record in enumerate(records))
    if not cells:
        raise InvalidValue(place, "must list at least one cell; omit it if the cells are unknown")
    if len({cell.id for cell in cells}) < len(cells):
        raise InvalidValue(place, "lists a cell twice")
    return cells


def _cell(place: str, record: Mapping[str, object]) -> NumaCell:
    if "id" not in record:
        raise InvalidValue(f"{place}.id", "is missing")
    amounts = {name: whole(f"{place}.{name}", record.get(name, 0)) for name in _AMOUNTS}
    try:
        pages = mapping(record.get("pages", {}))
    except TypeError as error:
        raise InvalidValue(
            f"{place}.pages", f"must be an object: size in kB to number ({error})"
        ) from error
    return NumaCell(**amounts, pages=_pages(f"{place}.pages", pages.items()))


def _pages(place: str, pages: Iterable[tuple[str, object]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for size, count in pages:
        if not size.isdecimal() or int(size) < 1:
            raise InvalidValue(place, f"{size!r} is not a page size in kB")
        found.append((int(size), whole(f"{place}.{size}", count)))
    return tuple(sorted(found))
