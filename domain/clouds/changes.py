"""How two models of one cloud differ, in counts: array arithmetic, whatever their size."""

import json
from collections.abc import Hashable, Mapping

import numpy as np

from domain.clouds.events import Changes
from domain.cluster.columns import BoolArray, Coded, IntArray
from domain.cluster.compute import ComputeModel
from domain.cluster.tables import HostColumns, ServerColumns, Table


def changes(before: ComputeModel | None, after: ComputeModel) -> Changes:
    """What is new, gone, moved and otherwise changed. Before the first model there was nothing."""
    if before is None:
        return Changes(
            hosts_added=len(after.hosts), servers_added=len(after.servers) + len(after.unplaced)
        )
    hosts = _Pairs(before.hosts, after.hosts)
    hosts_changed = hosts.differ(hosts.columns)
    placed = _Pairs(before.servers, after.servers)
    moved = _moved(before, after, placed)
    altered = placed.differ(placed.columns - {"host"})
    lost = _Pairs(before.unplaced, after.unplaced)
    old = {*before.servers.id, *before.unplaced.id}
    new = {*after.servers.id, *after.unplaced.id}
    rehoused = len(new & old) - len(placed.old) - len(lost.old)
    return Changes(
        hosts_added=len(after.hosts) - len(hosts.old),
        hosts_removed=len(before.hosts) - len(hosts.old),
        hosts_changed=int(hosts_changed.sum()),
        servers_added=len(new - old),
        servers_removed=len(old - new),
        servers_moved=int(moved.sum()) + rehoused,
        servers_changed=int((altered & ~moved).sum())
        + int(lost.differ(lost.columns - {"host"}).sum()),
    )


class _Pairs:
    """The rows that two tables have in common, by id.

    Attributes:
        old, new: int64[pairs], the row in each table.
    """

    def __init__(
        self, before: HostColumns | ServerColumns, after: HostColumns | ServerColumns
    ) -> None:
        places = {identity: row for row, identity in enumerate(before.id)}
        found = [
            (places[identity], row) for row, identity in enumerate(after.id) if identity in places
        ]
        pairs = np.array(found, dtype=np.int64).reshape(len(found), 2)
        self.old: IntArray = pairs[:, 0]
        self.new: IntArray = pairs[:, 1]
        self.columns = frozenset(name for name, _ in after.columns())
        self._before: Table = before
        self._after: Table = after

    def differ(self, names: frozenset[str]) -> BoolArray:
        """bool[pairs]: any of some columns has another value."""
        result = np.zeros(len(self.old), dtype=np.bool_)
        earlier = dict(self._before.columns())
        for name, column in self._after.columns():
            if name in names:
                result |= self._unequal(earlier[name], column)
        return result

    def _unequal(self, before: object, after: object) -> BoolArray:
        if isinstance(before, Coded) and isinstance(after, Coded):
            codes: dict[Hashable, int] = {}
            left, right = _shared(before, codes), _shared(after, codes)
            return np.asarray(left[self.old] != right[self.new])
        if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
            return np.asarray(before[self.old] != after[self.new])
        if isinstance(before, tuple) and isinstance(after, tuple):
            same = (before[a] != after[b] for a, b in zip(self.old, self.new, strict=True))
            return np.fromiter(same, dtype=np.bool_, count=len(self.old))
        raise TypeError(type(after).__name__)


def _shared(column: Coded[object], codes: dict[Hashable, int]) -> IntArray:
    """The column's codes in a numbering that other columns share."""
    numbers = [codes.setdefault(_key(value), len(codes)) for value in column.table]
    table = np.array([*numbers, -1], dtype=np.int64)
    return np.asarray(table[column.codes])


def _key(value: object) -> Hashable:
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping | tuple) else repr(value)


def _moved(before: ComputeModel, after: ComputeModel, pairs: _Pairs) -> BoolArray:
    """bool[pairs]: on another host, by the host's id."""
    places = {identity: number for number, identity in enumerate(before.hosts.id)}
    fresh = [places.get(host, -1 - row) for row, host in enumerate(after.hosts.id)]
    numbers = np.array([*fresh, -1], dtype=np.int64)
    was = before.servers.host[pairs.old].astype(np.int64)
    return np.asarray(was != numbers[after.servers.host[pairs.new]])
