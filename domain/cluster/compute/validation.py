"""Validates collected records: each bad record is quarantined, the others are used."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from domain.cluster.compute.reasons import DUPLICATE_HOST, FLAVOR_MISSING, UNKNOWN_HOST
from domain.cluster.compute.records import HostRow, QuarantinedRecord, ServerRow, bad_value
from domain.cluster.table.odd_fields import is_amount, is_whole
from domain.cluster.table.records import Amount, Ratio, fields_of_type
from domain.kernel.reasons import Cause

_AMOUNTS = fields_of_type(HostRow, Amount)
_RATIOS = fields_of_type(HostRow, Ratio)
_FLAVOR = fields_of_type(ServerRow, Amount | None)
_flavor_of = attrgetter(*_FLAVOR)


def admit_hosts(rows: Iterable[HostRow]) -> tuple[list[HostRow], list[QuarantinedRecord]]:
    """Returns the usable hosts in order of id, and the others.

    Hosts whose name or id occurs twice are quarantined.
    """
    everything = list(rows)
    names = Counter(row.name for row in everything)
    ids = Counter(row.id for row in everything)
    good: list[HostRow] = []
    bad: list[QuarantinedRecord] = []
    for row in everything:
        why = _duplicate(row, names, ids) or _bad_host(row)
        if why is None:
            good.append(row)
        else:
            bad.append(QuarantinedRecord("host", row.id, why))
    good.sort(key=lambda row: row.id)
    return good, bad


def _duplicate(row: HostRow, names: Counter[str], ids: Counter[str]) -> Cause | None:
    if names[row.name] > 1:
        return Cause(DUPLICATE_HOST, {"host": row.name, "count": names[row.name]})
    if ids[row.id] > 1:
        return bad_value("id", row.name, row.id)
    return None


def _bad_host(row: HostRow) -> Cause | None:
    for name in _AMOUNTS:
        if not is_whole(value := getattr(row, name)):
            return bad_value(name, row.name, value)
    for name in _RATIOS:
        if not is_amount(value := getattr(row, name)):
            return bad_value(name, row.name, value)
    return _bad_content(row)


def _bad_content(row: HostRow) -> Cause | None:
    for alias, count in row.devices.items():
        if not is_whole(count):
            return bad_value(f"devices[{alias}]", row.name, count)
    for one in row.other_allocations:
        if not all(map(is_whole, one.amounts)):
            return bad_value(f"other_allocations[{one.consumer}]", row.name, one.amounts)
    return _bad_cells(row)


def _bad_cells(row: HostRow) -> Cause | None:
    if row.numa is None:
        return None
    numbers = [cell.id for cell in row.numa]
    if not numbers or len(set(numbers)) < len(numbers):
        return bad_value("numa", row.name, numbers)
    for cell in row.numa:
        sizes = dict(cell.pages)
        figures = [cell.id, cell.cpus, cell.pcpus, cell.memory_mb, *sizes.values()]
        if not all(map(is_whole, figures)) or min(sizes, default=1) < 1:
            return bad_value(f"numa[{cell.id}]", row.name, tuple(cell))
    return None


def admit_servers(
    rows: Iterable[ServerRow], hosts: Sequence[HostRow]
) -> tuple[list[ServerRow], list[ServerRow], list[QuarantinedRecord]]:
    """Returns servers on known hosts, those on no host, quarantined ones; rows in order of id."""
    known = {row.name for row in hosts}
    placed: list[ServerRow] = []
    unplaced: list[ServerRow] = []
    bad: list[QuarantinedRecord] = []
    seen: set[str] = set()
    for row in rows:
        why = _server_defect(row, known, seen)
        seen.add(row.id)
        if why is not None:
            bad.append(QuarantinedRecord("server", row.id, why, row.host))
        elif row.host is None:
            unplaced.append(row)
        else:
            placed.append(row)
    placed.sort(key=lambda row: row.id)
    unplaced.sort(key=lambda row: row.id)
    return placed, unplaced, bad


def _server_defect(row: ServerRow, hosts: set[str], seen: set[str]) -> Cause | None:
    if row.id in seen:
        return bad_value("id", row.name or row.id, row.id)
    if row.host is not None and row.host not in hosts:
        return Cause(UNKNOWN_HOST, {"resource": row.id, "host": row.host})
    figures = _flavor_of(row)
    if row.host is not None and None in figures:
        return Cause(FLAVOR_MISSING, {"resource": row.id})
    for name, value in zip(_FLAVOR, figures, strict=True):
        if value is not None and not is_whole(value):
            return bad_value(name, row.id, value)
    if row.numa_nodes is not None and not all(map(is_whole, row.numa_nodes)):
        return bad_value("numa_nodes", row.id, row.numa_nodes)
    return None
