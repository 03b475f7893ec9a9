from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, and_, func, literal, or_, select, update

from application.ports import read_tables as tables
from application.ports.collected_models import Confirmation, Hearing, ModelState, ModelVersion
from domain.kernel.reasons import Cause
from infrastructure.read_models.dialects import database_now, seconds_since, upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.schema import CONFIRMATIONS, view
from infrastructure.read_models.types import Instant

MODELS = view(tables.CLUSTER_MODELS)
VERSIONS = view(tables.MODEL_VERSIONS)

_COLLECTED_AT = func.coalesce(CONFIRMATIONS.c.collected_at, CONFIRMATIONS.c.confirmed_at)
"""Rows of older versions have no such time."""


class SqlCollectedModels:
    """Collected models in the database of the read models; ages are by the database's clock.

    Args:
        engine: made by ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._dialect = engine.dialect.name

    def confirm(
        self,
        model_id: UUID,
        digest: str,
        elapsed: float,
        *,
        whole_age: float = 0.0,
        doubtful: bool = False,
    ) -> None:
        """Confirms that a collection which began ``elapsed`` seconds ago has this digest."""
        insert = upsert(self._dialect, CONFIRMATIONS).values(
            model_id=model_id,
            digest=digest,
            confirmed_at=self._ago(elapsed),
            collected_at=self._ago(elapsed),
            whole_at=self._ago(elapsed + whole_age),
            told=None,
            doubted_at=self._ago(elapsed) if doubtful else None,
        )
        new, old = insert.excluded, CONFIRMATIONS.c
        names = ("digest", "confirmed_at", "collected_at", "whole_at", "told")
        statement = insert.on_conflict_do_update(
            index_elements=["model_id"],
            set_={
                **{name: new[name] for name in names},
                "doubted_at": func.coalesce(new.doubted_at, old.doubted_at),
            },
            where=new.collected_at >= _COLLECTED_AT,
        )
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(statement)

    def vouch(self, model_id: UUID, hearing: Hearing, limit: float) -> bool:
        """Makes the model as young as what a listener has heard; returns whether it did."""
        row, heard_at = CONFIRMATIONS.c, self._ago(hearing.heard)
        trusted = or_(
            row.doubted_at.is_(None),
            and_(row.doubted_at < self._ago(limit), row.doubted_at < self._ago(hearing.fact)),
        )
        statement = (
            update(CONFIRMATIONS)
            .where(
                row.model_id == model_id,
                row.digest == hearing.base,
                row.confirmed_at <= heard_at,
                row.collected_at >= self._ago(hearing.unbroken),
                row.whole_at >= self._ago(limit),
                trusted,
            )
            .values(confirmed_at=heard_at, told=hearing.told)
        )
        with outages(self._engine), self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0

    def confirmation(self, model_id: UUID) -> Confirmation | None:
        """The latest confirmation; None if there is none."""
        whole_at = func.coalesce(CONFIRMATIONS.c.whole_at, CONFIRMATIONS.c.confirmed_at)
        ages = [
            seconds_since(self._dialect, moment)
            for moment in (CONFIRMATIONS.c.confirmed_at, _COLLECTED_AT, whole_at)
        ]
        query = select(CONFIRMATIONS.c.digest, CONFIRMATIONS.c.told, *ages).where(
            CONFIRMATIONS.c.model_id == model_id
        )
        with outages(self._engine), self._reading.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        age, collected_age, whole_age = (max(0.0, float(one)) for one in row[2:])
        return Confirmation(row[0], age, collected_age, whole_age, row[1])

    def current(self, model_id: UUID, confirmed: Confirmation) -> str:
        """Digest of the confirmed collection with all amendments by notifications."""
        query = (
            select(VERSIONS.c.digest)
            .join(MODELS, MODELS.c.position == VERSIONS.c.position)
            .where(MODELS.c.uuid == model_id, VERSIONS.c.base == confirmed.digest)
        )
        reached = select(VERSIONS.c.position).where(
            VERSIONS.c.model_uuid == model_id,
            VERSIONS.c.digest == confirmed.told,
            VERSIONS.c.base == confirmed.digest,
        )
        with outages(self._engine), self._reading.connect() as connection:
            found: str | None = connection.execute(query).scalar()
            if confirmed.told is None or connection.execute(reached).first() is not None:
                return found or confirmed.digest
        return confirmed.told

    def states(self) -> list[ModelState]:
        """The states of all models, by cloud and kind."""
        with outages(self._engine), self._reading.connect() as connection:
            query = select(MODELS).order_by(MODELS.c.cloud, MODELS.c.kind)
            return [_state(row) for row in connection.execute(query).all()]

    def state(self, model_id: UUID) -> ModelState | None:
        """The state of a model, as of the last projected event."""
        with outages(self._engine), self._reading.connect() as connection:
            row = connection.execute(select(MODELS).where(MODELS.c.uuid == model_id)).first()
        return None if row is None else _state(row)

    def version(self, position: int) -> ModelVersion | None:
        """The version that was recorded at a position."""
        return self._newest(VERSIONS.c.position == position)

    def version_at(self, model_id: UUID, moment: int | datetime) -> ModelVersion | None:
        """The version at a log position or at a time; None if there was none yet."""
        when = VERSIONS.c.at if isinstance(moment, datetime) else VERSIONS.c.position
        return self._newest(VERSIONS.c.model_uuid == model_id, when <= moment)

    def versions(self, model_id: UUID) -> list[ModelVersion]:
        """All versions, in the order of the log."""
        query = select(VERSIONS).where(VERSIONS.c.model_uuid == model_id)
        with outages(self._engine), self._reading.connect() as connection:
            return list(map(_version, connection.execute(query.order_by(VERSIONS.c.position))))

    def _newest(self, *conditions: ColumnElement[bool]) -> ModelVersion | None:
        query = select(VERSIONS).where(*conditions).order_by(VERSIONS.c.position.desc()).limit(1)
        with outages(self._engine), self._reading.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _version(row)

    def _ago(self, seconds: float) -> ColumnElement[Any]:
        if self._dialect == "postgresql":
            since = func.make_interval(0, 0, 0, 0, 0, 0, max(0.0, seconds))
            return database_now(self._dialect) - since
        modifier = literal(f"-{max(0.0, seconds):.3f} seconds")
        return func.strftime("%Y-%m-%dT%H:%M:%f", "now", modifier, type_=Instant())


def _state(row: Any) -> ModelState:
    return ModelState(
        model_id=row.uuid,
        cloud=row.cloud,
        kind=row.kind,
        position=row.position,
        failure=None if row.failure is None else _because(row.failure),
        failing_since=row.failing_since,
    )


def _version(row: Any) -> ModelVersion:
    return ModelVersion(
        position=row.position,
        model_id=row.model_uuid,
        digest=row.digest,
        at=row.at,
        sizes=row.sizes,
        calls=row.calls,
        seconds=row.milliseconds / 1000,
        problems=tuple(map(_because, row.problems)),
        problem_count=row.problem_count,
        changes=row.changes,
        base=row.base,
    )


def _because(stored: dict[str, Any]) -> Cause:
    return Cause(**stored)
