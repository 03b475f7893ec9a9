from sqlalchemy import Connection, inspect
from sqlalchemy.schema import CreateColumn

from application.ports.read_tables import SCHEMAS
from infrastructure.read_models.engine import open_engine, outages
from infrastructure.read_models.generations import exclusive
from infrastructure.read_models.schema import FIXED
from infrastructure.read_models.store import SqlProjectionStore


def upgrade(url: str) -> None:
    """Creates missing tables and columns in the database of the read models. Idempotent.

    Tables of a new projection version are created empty; the projector fills and activates them.

    Args:
        url: ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    engine = open_engine(url, connections=1)
    try:
        with outages(engine), exclusive(engine) as connection:
            FIXED.create_all(connection)
            _add_columns(connection)
        SqlProjectionStore(engine).prepare(SCHEMAS)
    finally:
        engine.dispose()


def _add_columns(connection: Connection) -> None:
    """Adds the columns that tables of an older version lack; they may be null."""
    for table in FIXED.sorted_tables:
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
