from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Engine, case, select

from application.ports.counters import EventCount
from infrastructure.read_models.dialects import upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.schema import COUNTERS, columns_of


class SqlCounterBoard:
    """Counters in the database of the read models.

    Args:
        engine: from ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    def add(self, counted: Sequence[EventCount]) -> None:
        """Adds to the counters of all processes."""
        if not counted:
            return
        insert = upsert(self._engine.dialect.name, COUNTERS)
        old, new = COUNTERS.c, insert.excluded
        statement = insert.on_conflict_do_update(
            index_elements=["what", "of", "outcome"],
            set_={
                "count": old.count + new.count,
                "last": case((new.last > old.last, new.last), else_=old.last),
            },
        )
        # sorted, or two processes that add at the same time could deadlock
        rows = sorted(
            map(asdict, counted), key=lambda row: (row["what"], row["of"], row["outcome"])
        )
        with outages(self._engine), self._engine.begin() as connection:
            for row in rows:
                connection.execute(statement, row)

    def rows(self) -> list[EventCount]:
        """All counters."""
        row = COUNTERS.c
        query = select(*columns_of(EventCount, COUNTERS)).order_by(row.what, row.of, row.outcome)
        with outages(self._engine), self._reading.connect() as connection:
            return [EventCount(*one) for one in connection.execute(query)]
