from application.ports.read_tables import SCHEMAS
from infrastructure.read_models.engine import open_engine, outages
from infrastructure.read_models.generations import alone
from infrastructure.read_models.schema import FIXED
from infrastructure.read_models.store import SqlProjectionStore


def upgrade(url: str) -> None:
    """Makes what is missing in the database of the read models. Doing it again changes nothing.

    Tables of a new projection version are only made here; the projector fills and shows them.

    Args:
        url: ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        StoreUnavailable: the database cannot be reached.
    """
    engine = open_engine(url, connections=1)
    try:
        with outages(engine), alone(engine) as connection:
            FIXED.create_all(connection)
        SqlProjectionStore(engine).prepare(SCHEMAS)
    finally:
        engine.dispose()
