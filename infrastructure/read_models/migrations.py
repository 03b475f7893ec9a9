from application.ports.read_tables import SCHEMAS
from infrastructure.read_models.engine import open_engine, outages
from infrastructure.read_models.generations import exclusive
from infrastructure.read_models.schema import FIXED
from infrastructure.read_models.store import SqlProjectionStore


def upgrade(url: str) -> None:
    """Creates missing tables in the database of the read models. Idempotent.

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
        SqlProjectionStore(engine).prepare(SCHEMAS)
    finally:
        engine.dispose()
