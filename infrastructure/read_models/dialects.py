"""SQL that differs between the two databases."""

from typing import Any

from sqlalchemy import ColumnElement, Table, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from infrastructure.read_models.types import Instant

Upsert = postgresql.Insert | sqlite.Insert


def upsert(dialect: str, table: Table) -> Upsert:
    """An INSERT that supports ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


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
