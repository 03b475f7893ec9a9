"""Compares two states of one table: the rows in both, and which attributes differ."""

import json
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import BoolArray, Coded, IntArray


class CommonRows:
    """The rows that two tables have in common, by key.

    Attributes:
        old, new: int64[pairs], the row in each table.
        old_count, new_count: number of rows of each table.
        columns: names of the tables' columns.

    Args:
        before, after: the tables.
        old_keys, new_keys: the key of each row.
    """

    def __init__(
        self,
        before: ColumnTable,
        after: ColumnTable,
        old_keys: Sequence[str],
        new_keys: Sequence[str],
    ) -> None:
        places = {key: row for row, key in enumerate(old_keys)}
        found = [(places[key], row) for row, key in enumerate(new_keys) if key in places]
        pairs = np.array(found, dtype=np.int64).reshape(len(found), 2)
        self.old: IntArray = pairs[:, 0]
        self.new: IntArray = pairs[:, 1]
        self.old_count = len(old_keys)
        self.new_count = len(new_keys)
        self.columns = frozenset(name for name, _ in after.columns())
        self._before = before
        self._after = after

    def differ(self, names: frozenset[str]) -> BoolArray:
        """bool[pairs]: whether any of the named columns differs."""
        result = np.zeros(len(self.old), dtype=np.bool_)
        earlier = dict(self._before.columns())
        for name, column in self._after.columns():
            if name in names:
                result |= self._unequal(earlier[name], column)
        return result

    def moved(self, column: str, old_places: Sequence[str], new_places: Sequence[str]) -> BoolArray:
        """bool[pairs]: whether a column of indices refers to another place, by the place's key."""
        numbers = {key: number for number, key in enumerate(old_places)}
        fresh = [numbers.get(key, -2 - row) for row, key in enumerate(new_places)]
        table = np.array([*fresh, -1], dtype=np.int64)
        was = dict(self._before.columns())[column][self.old].astype(np.int64)
        now = dict(self._after.columns())[column][self.new]
        return np.asarray(was != table[now])

    def _unequal(self, before: object, after: object) -> BoolArray:
        if isinstance(before, Coded) and isinstance(after, Coded):
            codes: dict[Hashable, int] = {}
            left, right = _shared(before, codes), _shared(after, codes)
            return np.asarray(left[self.old] != right[self.new])
        if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
            return self._unequal_figures(before, after)
        if isinstance(before, tuple) and isinstance(after, tuple):
            same = (before[a] != after[b] for a, b in zip(self.old, self.new, strict=True))
            return np.fromiter(same, dtype=np.bool_, count=len(self.old))
        raise TypeError(type(after).__name__)

    def _unequal_figures(
        self,
        before: np.ndarray[tuple[int], np.dtype[np.generic]],
        after: np.ndarray[tuple[int], np.dtype[np.generic]],
    ) -> BoolArray:
        left, right = before[self.old], after[self.new]
        unequal = np.asarray(left != right)
        if np.issubdtype(left.dtype, np.floating):  # unknown (NaN) in both is no difference
            unequal = unequal & ~(np.isnan(left) & np.isnan(right))
        return unequal


def _shared(column: Coded[object], codes: dict[Hashable, int]) -> IntArray:
    """The column's codes in a numbering shared with other columns."""
    numbers = [codes.setdefault(_key(value), len(codes)) for value in column.table]
    table = np.array([*numbers, -1], dtype=np.int64)
    return np.asarray(table[column.codes])


def _key(value: object) -> Hashable:
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping | tuple) else repr(value)
