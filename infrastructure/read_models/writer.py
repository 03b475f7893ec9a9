"""Reads and writes the tables of one generation with statements that are compiled once.

Binding the rows takes most of the time of a rebuild. SQLAlchemy compiles the statements and knows
the types, but the parameters go to the driver directly: a third of the time of ``execute``.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Table,
    Text,
    UpdateBase,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.selectable import TypedReturnsRows
from sqlalchemy.types import TypeEngine

from application.ports.columns import ReadTable
from application.ports.projections import Row
from infrastructure.read_models.pending import PendingRows, UpdateShape
from infrastructure.read_models.schema import physical
from infrastructure.read_models.types import Instant, Json

_KEY = "key__"
_ADD = "add__"
Convert = Callable[[Any], Any]


class Statement:
    """A compiled statement that is executed many times.

    Args:
        statement: has at least two named parameters.
        types: parameter → name of its column.
        table: has the types of the columns.
        dialect: of the database.
    """

    def __init__(
        self, statement: UpdateBase, types: Mapping[str, str], table: Table, dialect: Dialect
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(types))
        self._text = str(compiled)
        self._positional = compiled.positiontup is not None
        self._names = compiled.positiontup or list(types)
        self._binds = [_binding(table.c[types[name]].type, dialect) for name in self._names]

    def execute(self, connection: Connection, values: Mapping[str, Iterable[Any]]) -> None:
        """Executes it once per value of the parameters, which are columns of the same length."""
        columns = [
            values[name] if bind is None else map(bind, values[name])
            for name, bind in zip(self._names, self._binds, strict=True)
        ]
        bound: list[Any] = list(zip(*columns, strict=True))
        if not self._positional:
            bound = [dict(zip(self._names, row, strict=True)) for row in bound]
        connection.exec_driver_sql(self._text, bound)


class Lookup:
    """A query for one row by its key, compiled once.

    Args:
        table: the table.
        key: name of the key column.
        dialect: of the database.
    """

    def __init__(self, table: Table, key: str, dialect: Dialect) -> None:
        query: TypedReturnsRows[Any] = select(table).where(table.c[key] == bindparam(_KEY))
        compiled = query.compile(dialect=dialect)
        self._text = str(compiled)
        self._positional = compiled.positiontup is not None
        self._bind = _binding(table.c[key].type, dialect)
        self._columns = [
            (column.name, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for column in table.columns
        ]

    def find(self, connection: Connection, key: object) -> Row | None:
        """The row, None if there is none."""
        bound = key if self._bind is None else self._bind(key)
        parameters: Any = (bound,) if self._positional else {_KEY: bound}
        cursor = (
            connection.connection.cursor()
        )  # a SQLAlchemy result takes ten times as long as the query
        try:
            cursor.execute(self._text, parameters)
            row = cursor.fetchone()
        finally:
            cursor.close()
        if row is None:
            return None
        return {
            name: value if read is None else read(value)
            for (name, read), value in zip(self._columns, row, strict=True)
        }


def _binding(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """The conversion of a type to the stored value, None if there is none."""
    if isinstance(kind, Instant | Json):
        return kind.binding(dialect)
    if isinstance(kind, Text) and dialect.name == "postgresql":
        return _without_nul
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _without_nul(value: str | None) -> str | None:
    """Replaces NUL, which PostgreSQL cannot store in a text."""
    return value.replace("\0", "\ufffd") if value is not None and "\0" in value else value


class GenerationWriter:
    """Reads and writes the tables of one generation; caches the compiled statements.

    Args:
        tables: their declarations.
        generation: number of the set of physical tables.
    """

    def __init__(self, tables: Iterable[ReadTable], generation: int) -> None:
        declared = {table.name: table for table in tables}
        self._keys = {name: table.key for name, table in declared.items()}
        self._tables = {name: physical(table, generation) for name, table in declared.items()}
        self._lookups: dict[str, Lookup] = {}
        self._inserts: dict[str, Statement] = {}
        self._updates: dict[UpdateShape, Statement] = {}

    def pending(self, connection: Connection) -> PendingRows:
        """An empty batch of changes for the transaction of a connection."""

        def load(table: str, key: object) -> Row | None:
            return self._lookup(table, connection.dialect).find(connection, key)

        return PendingRows(self._keys, load)

    def write(self, connection: Connection, rows: PendingRows) -> None:
        """Executes a batch of changes: one executemany per table and kind of change."""
        batch = rows.take()
        dialect = connection.dialect
        for name, keys in batch.deletes.items():
            table = self._tables[name]
            statement = delete(table).where(table.c[self._keys[name]] == bindparam(_KEY))
            connection.execute(statement, [{_KEY: key} for key in keys])
        for name, inserted in batch.inserts.items():
            self._insert(name, dialect).execute(
                connection, {column: map(itemgetter(column), inserted) for column in inserted[0]}
            )
        for shape, changed in batch.updates.items():
            _, assigned, added = shape
            values = [change.values for _, change in changed]
            amounts = [change.amounts for _, change in changed]
            parameters: dict[str, Iterable[Any]] = {_KEY: [key for key, _ in changed]}
            parameters |= {column: map(itemgetter(column), values) for column in assigned}
            parameters |= {f"{_ADD}{name}": map(itemgetter(name), amounts) for name in added}
            self._update(shape, dialect).execute(connection, parameters)

    def _lookup(self, name: str, dialect: Dialect) -> Lookup:
        if name not in self._lookups:
            self._lookups[name] = Lookup(self._tables[name], self._keys[name], dialect)
        return self._lookups[name]

    def _insert(self, name: str, dialect: Dialect) -> Statement:
        if name not in self._inserts:
            table = self._tables[name]
            types = {column.name: column.name for column in table.columns}
            self._inserts[name] = Statement(insert(table), types, table, dialect)
        return self._inserts[name]

    def _update(self, shape: UpdateShape, dialect: Dialect) -> Statement:
        if shape not in self._updates:
            name, assigned, added = shape
            table, key = self._tables[name], self._keys[name]
            values: dict[str, Any] = {column: bindparam(column) for column in assigned}
            values |= {c: table.c[c] + bindparam(f"{_ADD}{c}") for c in added}
            types = {column: column for column in assigned}
            types |= {f"{_ADD}{column}": column for column in added}
            statement = update(table).where(table.c[key] == bindparam(_KEY)).values(values)
            self._updates[shape] = Statement(statement, {**types, _KEY: key}, table, dialect)
        return self._updates[shape]
