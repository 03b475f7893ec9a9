"""Columns: one immutable array per attribute, and their JSON form."""

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
T = TypeVar("T")


def ints(values: Iterable[int]) -> IntArray:
    """int64[n], immutable."""
    return frozen(np.array(list(values), dtype=np.int64))


def indices(values: Iterable[int]) -> IndexArray:
    """int32[n], immutable."""
    return frozen(np.array(list(values), dtype=np.int32))


def floats(values: Iterable[float]) -> FloatArray:
    """float64[n], immutable."""
    return frozen(np.array(list(values), dtype=np.float64))


def bools(values: Iterable[bool]) -> BoolArray:
    """bool[n], immutable."""
    return frozen(np.array(list(values), dtype=np.bool_))


_S = TypeVar("_S", bound=np.generic)


def frozen(array: NDArray[_S]) -> NDArray[_S]:
    """Makes an array immutable and returns it."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Coded(Generic[T]):
    """A column with few distinct values: a table of them, and for each row its index there.

    Attributes:
        table: the distinct values, in order of first appearance. Do not change them.
        codes: int32[n].
    """

    table: tuple[T, ...]
    codes: IndexArray

    def __getitem__(self, row: int) -> T:
        return self.table[int(self.codes[row])]

    def __len__(self) -> int:
        return len(self.codes)

    def where(self, test: Callable[[T], bool]) -> BoolArray:
        """bool[n]: rows whose value passes a test (which is called once per distinct value)."""
        return bools(map(test, self.table))[self.codes]

    def take(self, rows: IndexArray | IntArray) -> "Coded[T]":
        """The column of some rows, with only the values that they use."""
        return Coded(self.table, frozen(self.codes[rows])).compact()

    def compact(self) -> "Coded[T]":
        """The same column with its table in order of first appearance, without unused values."""
        used, first = np.unique(self.codes, return_index=True)
        order = used[np.argsort(first, kind="stable")]
        place = np.zeros(len(self.table) + 1, dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Coded(tuple(self.table[code] for code in order), frozen(place[self.codes]))


def coded(values: Iterable[T], key: Callable[[T], Hashable] | None = None) -> Coded[T]:
    """Makes a coded column.

    Args:
        values: one value per row.
        key: gives equal results for equal values; the value itself by default.
    """
    found = list(values)
    places: defaultdict[Hashable, int] = defaultdict()
    places.default_factory = places.__len__
    keys = map(key, found) if key else found
    codes = np.fromiter(map(places.__getitem__, keys), dtype=np.int32, count=len(found))
    _, firsts = np.unique(codes, return_index=True)
    return Coded(tuple(found[first] for first in firsts), frozen(codes))


def indices_of(keys: Iterable[str]) -> dict[str, int]:
    """Key → index."""
    return {key: place for place, key in enumerate(keys)}


def map_key(value: Mapping[str, object]) -> Hashable:
    """A key that is equal for equal JSON objects, in any order of their members."""
    return json.dumps(value, sort_keys=True) if value else ""


def json_of_column(column: object) -> object:
    """The JSON form of a column (lists, numbers, strings, maps)."""
    if isinstance(column, Coded):
        return {"table": [json_of_value(v) for v in column.table], "codes": column.codes.tolist()}
    if isinstance(column, np.ndarray):
        return column.tolist()
    if isinstance(column, tuple):
        return [json_of_value(value) for value in column]
    raise TypeError(type(column).__name__)


def json_of_value(value: object) -> object:
    """The JSON form of one value of a column; a new list or object for each call."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {key: value[key] for key in sorted(value)}
    return value


def sequence(value: object) -> Sequence[object]:
    """Returns a JSON list; raises TypeError for any other value."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, not {type(value).__name__}")
    return value


def mapping(value: object) -> Mapping[str, object]:
    """Returns a JSON object; raises TypeError for any other value."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, not {type(value).__name__}")
    return value


def column_of_json(column: object, data: object) -> object:
    """Reads a column from JSON; an (empty) column gives its type."""
    if isinstance(column, Coded):
        parts = mapping(data)
        table = tuple(_value_of_json(value) for value in sequence(parts["table"]))
        return Coded(table, frozen(np.array(sequence(parts["codes"]), dtype=np.int32)))
    if isinstance(column, np.ndarray):
        return frozen(np.array(sequence(data), dtype=column.dtype))
    return tuple(_value_of_json(value) for value in sequence(data))


def _value_of_json(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
