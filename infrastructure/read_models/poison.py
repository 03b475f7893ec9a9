from sqlalchemy import Engine, delete, select

from application.ports.poison import PoisonedMessage
from infrastructure.read_models.dialects import database_now, upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.schema import POISON, columns_of


class SqlPoisonBoard:
    """Discarded messages in the database of the read models.

    Args:
        engine: from ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    def put(
        self, consumer: str, subject: str, sequence: int, *, deliveries: int, error: str
    ) -> None:
        """Stores a message; replaces the entry of the same message."""
        row = {
            "consumer": consumer,
            "sequence": sequence,
            "subject": subject,
            "deliveries": deliveries,
            "error": error,
            "at": database_now(self._engine.dialect.name),
        }
        insert = upsert(self._engine.dialect.name, POISON).values(row)
        statement = insert.on_conflict_do_update(
            index_elements=["consumer", "sequence"],
            set_={name: insert.excluded[name] for name in ("deliveries", "error", "at")},
        )
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(statement)

    def remove(self, consumer: str, sequence: int) -> None:
        """Deletes a message, if it is stored."""
        row = POISON.c
        statement = delete(POISON).where(row.consumer == consumer, row.sequence == sequence)
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(statement)

    def rows(self, limit: int = 100, consumer: str | None = None) -> list[PoisonedMessage]:
        """The latest messages, of all consumers or of one, newest first."""
        row = POISON.c
        query = (
            select(*columns_of(PoisonedMessage, POISON))
            .order_by(row.at.desc(), row.sequence.desc())
            .limit(limit)
        )
        if consumer is not None:
            query = query.where(row.consumer == consumer)
        with outages(self._engine), self._reading.connect() as connection:
            return [PoisonedMessage(*one) for one in connection.execute(query)]
