"""Replaces rows and values of a table without converting the other rows to records."""

import json
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from domain.cluster.table.column_table import ColumnTable
from domain.cluster.table.columns import Coded, frozen

T = TypeVar("T", bound=ColumnTable)


def replace_rows(table: T, keys: Sequence[str], gone: Collection[str], added: T) -> T:
    """Returns the table with some rows removed and others added, in order of key.

    Args:
        table: in order of key.
        keys: the key of each row: one of the table's columns of strings.
        gone: keys of the rows to remove.
        added: rows to add, in any order.
    """
    column = next(name for name, value in table.columns() if value is keys)
    new = dict(added.columns())[column]
    rows = [row for row, key in enumerate(keys) if key in gone]
    places = sorted(range(len(new)), key=new.__getitem__)
    if [keys[row] for row in rows] == [new[place] for place in places]:  # no row comes or goes
        return edited(table, _differences(table, rows, added, places))
    kept = np.array(sorted(set(range(len(keys))).difference(rows)), dtype=np.int64)
    whole = _concatenated(table.take(kept), added)
    order: tuple[str, ...] = dict(whole.columns())[column]
    return whole.take(np.array(sorted(range(len(order)), key=order.__getitem__), dtype=np.int64))


def _differences(
    table: T, rows: Sequence[int], other: T, places: Sequence[int]
) -> dict[str, dict[int, object]]:
    """Column → row → value, where rows of another table have other values."""
    found: dict[str, dict[int, object]] = {}
    for (name, column), (_, values) in zip(table.columns(), other.columns(), strict=True):
        pairs = zip(rows, places, strict=True)
        changed = {row: values[at] for row, at in pairs if values[at] != column[row]}
        if changed:
            found[name] = changed
    return found


def edited(table: T, changes: Mapping[str, Mapping[int, object]]) -> T:
    """Returns the table with other values: column name → row → value."""
    columns = dict(table.columns())
    new: dict[str, Any] = {name: _edited(columns[name], at) for name, at in changes.items() if at}
    return replace(table, **new)  # type: ignore[type-var]


def _concatenated(first: T, second: T) -> T:
    others = dict(second.columns())
    joined: dict[str, Any] = {name: _chained(col, others[name]) for name, col in first.columns()}
    return type(first)(**joined)


def _chained(first: object, second: object) -> object:
    if isinstance(first, Coded) and isinstance(second, Coded):
        table, places = _union(first.table, second.table)
        return Coded(table, frozen(np.concatenate([first.codes, places[second.codes]])))
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return frozen(np.concatenate([first, second]))
    if isinstance(first, tuple) and isinstance(second, tuple):
        return first + second
    raise TypeError(type(first).__name__)


def _union(
    first: tuple[object, ...], second: Sequence[object]
) -> tuple[tuple[object, ...], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """The distinct values of both, and the index there of each value of the second."""
    known = {_key(value): place for place, value in enumerate(first)}
    table = list(first)
    places = []
    for value in second:
        place = known.setdefault(_key(value), len(table))
        if place == len(table):
            table.append(value)
        places.append(place)
    return tuple(table), np.array([*places, -1], dtype=np.int32)


def _edited(column: object, at: Mapping[int, object]) -> object:
    rows = np.array(list(at), dtype=np.int64)
    if isinstance(column, Coded):
        table, places = _union(column.table, list(at.values()))
        codes = column.codes.copy()
        codes[rows] = places[:-1]
        return Coded(table, frozen(codes)).compact()
    if isinstance(column, np.ndarray):
        values = column.copy()
        values[rows] = list(at.values())
        return frozen(values)
    if isinstance(column, tuple):
        return tuple(at.get(row, value) for row, value in enumerate(column))
    raise TypeError(type(column).__name__)


def _key(value: object) -> Hashable:
    structured = isinstance(value, Mapping | tuple | list)
    return json.dumps(value, sort_keys=True) if structured else repr(value)
