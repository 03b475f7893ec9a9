"""Generations of read tables: create, compare, activate and drop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine, Index, Select, delete, func, insert, select, text, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.schema import CreateTable

from application.ports.columns import ProjectionSchema, ReadTable
from application.ports.projections import ProjectionCheckpoint, TableDifference
from infrastructure.read_models.schema import PROJECTIONS, QUARANTINE, physical, physical_name

_SCHEMA_LOCK = 0x5649_4749_4C  # "VIGIL" in ASCII: serialises schema changes between processes
_EXAMPLES = 10


@contextmanager
def exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no other process creates, activates or drops tables."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        yield connection


def read_checkpoints(
    connection: Connection, projection: str | None = None
) -> list[ProjectionCheckpoint]:
    """All generations (of a projection), oldest first."""
    row = PROJECTIONS.c
    query = select(row.name, row.generation, row.version, row.position, row.active)
    if projection is not None:
        query = query.where(row.name == projection)
    found = connection.execute(query.order_by(row.name, row.generation))
    return [ProjectionCheckpoint(*one) for one in found]


def create(
    connection: Connection, schema: ProjectionSchema, generation: int, *, active: bool
) -> ProjectionCheckpoint:
    """Creates the tables of a generation at position 0.

    An active one gets its SQL views and indexes at once. Another one is filled without indexes:
    to make them at the end takes a fraction of the time.
    """
    for table in schema.tables:
        connection.execute(CreateTable(physical(table, generation)))
    checkpoint = ProjectionCheckpoint(schema.projection, generation, schema.version, 0, active)
    connection.execute(
        insert(PROJECTIONS),
        {
            "name": checkpoint.projection,
            "generation": generation,
            "version": checkpoint.version,
            "position": 0,
            "active": active,
        },
    )
    if active:
        for one in indexes(schema, generation):
            one.create(connection)
        _create_views(connection, schema, generation)
    return checkpoint


def indexes(schema: ProjectionSchema, generation: int) -> list[Index]:
    """The indexes of the tables of a generation."""
    return [one for table in schema.tables for one in physical(table, generation).indexes]


def activate(connection: Connection, schema: ProjectionSchema, built: ProjectionCheckpoint) -> None:
    """Activates a generation and deletes the others of its projection (not their tables)."""
    of_projection = PROJECTIONS.c.name == built.projection
    others = of_projection & (PROJECTIONS.c.generation != built.generation)
    connection.execute(delete(PROJECTIONS).where(others))
    connection.execute(
        delete(QUARANTINE).where(
            QUARANTINE.c.projection == built.projection,
            QUARANTINE.c.generation != built.generation,
        )
    )
    connection.execute(update(PROJECTIONS).where(of_projection).values(active=True))
    _create_views(connection, schema, built.generation)


def drop(connection: Connection, schema: ProjectionSchema, generation: int) -> None:
    """Drops the tables of a generation."""
    for table in schema.tables:
        connection.execute(text(f"DROP TABLE IF EXISTS {physical_name(table, generation)}"))


def compare(
    connection: Connection, schema: ProjectionSchema, live: int, built: int
) -> list[TableDifference]:
    """Compares two generations table by table."""
    return [_compare(connection, table, live, built) for table in schema.tables]


def _create_views(connection: Connection, schema: ProjectionSchema, generation: int) -> None:
    for table in schema.tables:
        columns = ", ".join(f'"{name}"' for name in table.columns)
        source = physical_name(table, generation)
        connection.execute(text(f"DROP VIEW IF EXISTS {table.name}"))
        connection.execute(
            text(f"CREATE VIEW {table.name} AS SELECT {columns} FROM {source}")  # noqa: S608
        )


def _compare(connection: Connection, table: ReadTable, live: int, built: int) -> TableDifference:
    ours, theirs = physical(table, live), physical(table, built)
    live_rows, built_rows = (
        connection.execute(select(func.count()).select_from(one)).scalar_one()
        for one in (ours, theirs)
    )
    equal_rows = connection.execute(_equal_rows(ours, theirs, table.key)).scalar_one()
    difference = TableDifference(table.name, live_rows, built_rows, equal_rows)
    if difference.equal:
        return difference
    return replace(difference, examples=_examples(connection, ours, theirs, table.key))


def _equal_rows(live: SqlTable, built: SqlTable, key: str) -> Select[int]:
    """The number of rows that are the same in both, found by their keys."""
    values = [live.c[one.name].is_not_distinct_from(one) for one in built.c if one.name != key]
    both = live.join(built, live.c[key] == built.c[key])
    return select(func.count()).select_from(both).where(*values)


def _examples(connection: Connection, live: SqlTable, built: SqlTable, key: str) -> tuple[str, ...]:
    """The keys of some rows that differ or exist in one generation only."""
    keys: set[str] = set()
    for left, right in ((live, built), (built, live)):
        only = select(left).except_(select(right)).limit(_EXAMPLES).subquery()
        keys.update(str(found) for (found,) in connection.execute(select(only.c[key])))
    return tuple(sorted(keys)[:_EXAMPLES])
