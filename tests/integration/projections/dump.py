from typing import Any

from sqlalchemy import select

from application.ports.read_tables import SCHEMAS
from infrastructure.read_models.schema import view
from tests.world.world import World

Dump = dict[str, list[tuple[Any, ...]]]


def dump(world: World) -> Dump:
    """Every row of every read table that queries see."""
    with world.views_engine.connect() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(view(table)))), key=repr
            )
            for schema in SCHEMAS
            for table in schema.tables
        }
