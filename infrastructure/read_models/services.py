from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, select, update

from application.ports.services import Instance, ServiceRow
from infrastructure.read_models.dialects import database_now, seconds_since, upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.processes import is_running_here
from infrastructure.read_models.schema import INSTANCES, SERVICES, columns_of

DOWN_AFTER = timedelta(seconds=90)
"""A service whose last heartbeat is older is down."""
DELETE_AFTER = timedelta(days=30)
"""Instances whose last heartbeat is older are deleted."""


class SqlServices:
    """Heartbeats in the database of the read models, timed by that database's clock.

    Args:
        engine: from ``open_engine``.
        host: name of this host in its instances.
        down_after: an instance is dead if its last heartbeat differs by more from the present
            time, in either direction.
    """

    def __init__(self, engine: Engine, *, host: str, down_after: timedelta = DOWN_AFTER) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._host = host
        self._down_after = down_after.total_seconds()
        self._dialect = engine.dialect.name

    def beat(self, instance: Instance) -> None:
        """Records a heartbeat: a retired instance is back. The first one registers the instance."""
        now = database_now(self._dialect)
        with outages(self._engine), self._engine.begin() as connection:
            beaten = connection.execute(
                update(INSTANCES)
                .where(INSTANCES.c.id == instance.id)
                .values(last_seen_up=now, retired=False)
                .returning(INSTANCES.c.id)
            ).first()
            if beaten is None:
                self._register(connection, instance)

    def retire(self, instance_id: str) -> None:
        """Records that an instance stopped regularly, or cannot work at present."""
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(
                update(INSTANCES).where(INSTANCES.c.id == instance_id).values(retired=True)
            )

    def is_presumed_dead(self, instance_id: str) -> bool:
        """Whether the claims of an instance may be taken over.

        True for an unknown instance: workers register before they claim anything.
        """
        query = select(*self._columns()).where(INSTANCES.c.id == instance_id)
        with outages(self._engine), self._reading.connect() as connection:
            row = connection.execute(query).first()
        return row is None or self._presumed_dead(*row)

    def is_retired(self, instance_id: str) -> bool:
        """Whether an instance stopped regularly."""
        query = select(INSTANCES.c.retired).where(INSTANCES.c.id == instance_id)
        with outages(self._engine), self._reading.connect() as connection:
            return bool(connection.execute(query).scalar())

    def rows(self) -> list[ServiceRow]:
        """All services, in the order of their registration."""
        its = INSTANCES.c
        shown = SERVICES.c.id, its.name, its.host, its.last_seen_up, SERVICES.c.created_at
        query = (
            select(*shown, *self._columns())
            .join(INSTANCES, its.id == SERVICES.c.instance_id)
            .order_by(SERVICES.c.id)
        )
        with outages(self._engine), self._reading.connect() as connection:
            found = connection.execute(query).all()
        return [
            ServiceRow(number, name, host, seen, created_at, not self._presumed_dead(*instance))
            for number, name, host, seen, created_at, *instance in found
        ]

    def _columns(self) -> list[ColumnElement[Any]]:
        """The arguments of ``_presumed_dead``."""
        age = seconds_since(self._dialect, INSTANCES.c.last_seen_up)
        return [INSTANCES.c.retired, age, *columns_of(Instance, INSTANCES)]

    def _presumed_dead(self, retired: bool, age: float, *instance: Any) -> bool:  # noqa: FBT001 - a row
        # a heartbeat in the future is from before the clock was set back
        if retired or abs(float(age)) > self._down_after:
            return True
        return is_running_here(Instance(*instance), self._host) is False

    def _register(self, connection: Connection, instance: Instance) -> None:
        now = database_now(self._dialect)
        insert = upsert(self._dialect, INSTANCES)
        connection.execute(
            insert.values(
                **asdict(instance), created_at=now, last_seen_up=now, retired=False
            ).on_conflict_do_update(index_elements=["id"], set_={"last_seen_up": now})
        )
        service = upsert(self._dialect, SERVICES)
        connection.execute(
            service.values(
                name=instance.name, host=instance.host, instance_id=instance.id, created_at=now
            ).on_conflict_do_update(
                index_elements=["name", "host"], set_={"instance_id": instance.id}
            )
        )
        silent = seconds_since(self._dialect, INSTANCES.c.last_seen_up)
        newest = select(SERVICES.c.instance_id)
        connection.execute(
            delete(INSTANCES).where(
                silent > DELETE_AFTER.total_seconds(), INSTANCES.c.id.not_in(newest)
            )
        )
