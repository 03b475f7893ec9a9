"""SQL that differs between the two databases."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, func, literal_column

from infrastructure.read_models.types import Instant

if TYPE_CHECKING:  # readers write nothing
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(dialect: str, table: Table) -> "PostgresInsert | SqliteInsert":
    """An INSERT that supports ON CONFLICT."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as above

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - as above

    return sqlite.insert(table)


def database_now(dialect: str) -> ColumnElement[Any]:
    """The time of the database's clock when the statement is executed."""
    if dialect == "postgresql":
        return func.clock_timestamp(type_=Instant())
    return literal_column("strftime('%Y-%m-%dT%H:%M:%f', 'now')", Instant())


def seconds_since(dialect: str, moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Seconds since a stored time, by the database's clock."""
    if dialect == "postgresql":
        return func.extract("epoch", func.clock_timestamp() - moment)
    return (func.julianday("now") - func.julianday(moment)) * 86_400.0
