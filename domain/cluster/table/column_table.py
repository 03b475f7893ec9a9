"""Tables of columns: made of records, read from JSON, written as JSON, restricted to some rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache, partial
from operator import attrgetter
from typing import Any, ClassVar, Self, cast, get_args, get_origin, get_type_hints

import numpy as np

from domain.cluster.table.columns import (
    BoolArray,
    Coded,
    FloatArray,
    IndexArray,
    IntArray,
    bools,
    coded,
    column_of_json,
    floats,
    frozen,
    indices,
    ints,
    json_of_column,
    json_of_value,
    map_key,
    sequence,
)

Maker = Callable[[Iterable[Any]], object]
"""Makes a column of its values."""
_ARRAYS: Mapping[object, Maker] = {
    IntArray: ints,
    IndexArray: indices,
    FloatArray: floats,
    BoolArray: bools,
}


class ColumnTable:
    """Base of the tables: frozen dataclasses of columns, the first of which identifies a row."""

    later: ClassVar[frozenset[str]] = frozenset()
    """Columns that older stored forms lack; each is coded, of values or None. A column that is all
    None is left out of the form: so an older form still has the same digest."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    @classmethod
    def from_rows(cls, rows: Sequence[object], **values: Iterable[object]) -> Self:
        """The columns of some records, in that order.

        Args:
            rows: the records. A column holds their attribute of the same name, …
            values: … unless its values are given here, one for each record.
        """
        columns: dict[str, Any] = {
            name: make(values[name] if name in values else map(attrgetter(name), rows))
            for name, make in cls._makers().items()
        }
        return cls(**columns)

    @classmethod
    def empty(cls) -> Self:
        """A table without rows."""
        columns: dict[str, Any] = {name: make(()) for name, make in cls._makers().items()}
        return cls(**columns)

    def to_columns(self) -> dict[str, object]:
        """Column name → JSON value."""
        return {
            name: json_of_column(column)
            for name, column in self.columns()
            if name not in self.later or any(value is not None for value in column.table)
        }

    @classmethod
    def from_columns(cls, data: Mapping[str, object]) -> Self:
        """The table whose JSON form this is."""
        read: dict[str, Any] = {
            name: coded(None for _ in sequence(data["id"]))
            if name in cls.later and name not in data
            else column_of_json(column, data[name])
            for name, column in cls.empty().columns()
        }
        return cls(**read)

    def take(self, rows: IntArray) -> Self:
        """The table of some rows (int64[m], in that order)."""
        chosen: dict[str, Any] = {name: _take(column, rows) for name, column in self.columns()}
        return type(self)(**chosen)

    def columns(self) -> list[tuple[str, Any]]:
        """Name and column, in order."""
        return [(f.name, getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]

    def records(self, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """One JSON object per row.

        Args:
            names: key in the objects → name of the column.
        """
        columns = [_values(getattr(self, column)) for column in names.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    @classmethod
    @cache
    def _makers(cls) -> Mapping[str, Maker]:
        """Column name → what makes it, by the type of the column."""
        types = get_type_hints(cls)
        return {f.name: _maker(types[f.name]) for f in fields(cls)}  # type: ignore[arg-type]


def _maker(column: object) -> Maker:
    if get_origin(column) is Coded:
        (value,) = get_args(column)
        return partial(coded, key=map_key) if get_origin(value) is Mapping else coded
    return _ARRAYS.get(column, tuple)


def _take(column: object, rows: IntArray) -> object:
    if isinstance(column, Coded):
        return column.take(rows)
    if isinstance(column, np.ndarray):
        return frozen(column[rows])
    if isinstance(column, tuple):
        return tuple(column[row] for row in rows)
    raise TypeError(type(column).__name__)


def _values(column: object) -> Iterable[object]:
    """The JSON values of a column, row by row."""
    if isinstance(column, np.ndarray):
        return cast("list[object]", column.tolist())
    if isinstance(column, Coded):
        return [json_of_value(column.table[code]) for code in column.codes.tolist()]
    if isinstance(column, tuple):
        return map(json_of_value, column)
    raise TypeError(type(column).__name__)
