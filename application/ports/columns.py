"""How a class declares a read table: each annotated field is a column.

Types: ``str`` (sorted by code point), ``int``, ``bool``, ``UUID``, ``datetime`` (aware UTC), and
lists and dicts, which are stored as JSON. ``| None`` makes a column nullable. ``CaseFolded``,
``Reference`` and ``Joined`` say where a table differs from the view that queries return.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class _Mark(Enum):
    CASE_FOLDED = auto()
    REFERENCE = auto()
    JOINED = auto()


CaseFolded = Annotated[T, _Mark.CASE_FOLDED]
"""A name that is looked up without case: a second column (``…_key``) holds it case-folded."""
Reference = Annotated[T | None, _Mark.REFERENCE]
"""Stored in every row; None in the view if the referenced object is deleted and not shown."""
Joined = Annotated[T, _Mark.JOINED]
"""Not stored: the query reads it from another table."""


@dataclass(frozen=True)
class ReadColumn:
    """A column of a read table. ``type``: of its values; ``list`` and ``dict`` are JSON."""

    type: type
    nullable: bool = False


@dataclass(frozen=True)
class ReadIndex:
    """A secondary index.

    Attributes:
        only: a nullable column; only rows in which it is set are indexed.
    """

    columns: tuple[str, ...]
    only: str | None = None


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A read table. A declaration is equal only to itself.

    Attributes:
        key: the column that identifies a row.
    """

    name: str
    key: str
    columns: Mapping[str, ReadColumn]
    indexes: tuple[ReadIndex, ...] = ()


@dataclass(frozen=True)
class ProjectionSchema:
    """The tables of a projection.

    Attributes:
        version: rises when the tables or the stored values change; the read tables are then
            rebuilt next to the old ones.
    """

    projection: str
    version: int
    tables: tuple[ReadTable, ...]


def read_table(name: str, row: type, *indexes: ReadIndex, key: str = "uuid") -> ReadTable:
    """The table whose columns are the fields of a class, in their order."""
    return ReadTable(name, key, dict(_columns(row)), indexes)


def _columns(row: type) -> Iterator[tuple[str, ReadColumn]]:
    for name, hint in get_type_hints(row, include_extras=True).items():
        marks = getattr(hint, "__metadata__", ())
        if _Mark.JOINED in marks:
            continue
        column = _column(get_args(hint)[0] if marks else hint)
        if _Mark.REFERENCE in marks:
            column = ReadColumn(column.type)
        yield name, column
        if _Mark.CASE_FOLDED in marks:
            yield f"{name.removesuffix('_name')}_key", column


def _column(hint: Any) -> ReadColumn:
    members = get_args(hint)
    nullable = NoneType in members
    if nullable:
        (hint,) = (member for member in members if member is not NoneType)
    return ReadColumn(get_origin(hint) or hint, nullable)
