from sqlalchemy import Engine, delete, select, update

from application.ports.notifier import TransportPosition
from infrastructure.read_models.dialects import database_now, upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.schema import TRANSPORTS, columns_of

_ITS = TRANSPORTS.c


class SqlTransportPositions:
    """The positions of the notifier's transports in the database of the read models.

    Args:
        engine: from ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._now = database_now(engine.dialect.name)

    def find(self, transport: str) -> TransportPosition | None:
        """The position of a transport, None before its first start."""
        query = select(*columns_of(TransportPosition, TRANSPORTS))
        with outages(self._engine), self._reading.connect() as connection:
            row = connection.execute(query.where(_ITS.transport == transport)).first()
        return None if row is None else TransportPosition(*row)

    def rows(self) -> list[TransportPosition]:
        """All positions, by name."""
        query = select(*columns_of(TransportPosition, TRANSPORTS)).order_by(_ITS.transport)
        with outages(self._engine), self._reading.connect() as connection:
            return [TransportPosition(*row) for row in connection.execute(query)]

    def create(self, transport: str, position: int, holder: str) -> None:
        """Stores the first position of a transport, unless there is one."""
        insert = upsert(self._engine.dialect.name, TRANSPORTS)
        statement = insert.values(
            transport=transport, position=position, holder=holder, moved_at=self._now
        ).on_conflict_do_nothing()
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(statement)

    def claim(self, transport: str, holder: str, instead_of: str) -> bool:
        """Gives a transport to another holder, if ``instead_of`` still holds it."""
        held = (_ITS.transport == transport) & (_ITS.holder == instead_of)
        statement = update(TRANSPORTS).where(held).values(holder=holder)
        with outages(self._engine), self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def advance(self, transport: str, holder: str, after: int, upto: int) -> bool:
        """Moves a position forward, if it is ``after`` and the holder still holds the transport."""
        here = (_ITS.transport == transport) & (_ITS.holder == holder) & (_ITS.position == after)
        statement = update(TRANSPORTS).where(here).values(position=upto, moved_at=self._now)
        with outages(self._engine), self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def remove(self, transport: str) -> bool:
        """Deletes the position of a transport; returns whether there was one."""
        statement = delete(TRANSPORTS).where(_ITS.transport == transport)
        with outages(self._engine), self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1
