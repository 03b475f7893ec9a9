from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, case, or_, select

from application.ports.progress import Progress
from domain.kernel.reasons import Cause
from infrastructure.read_models.dialects import upsert
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.schema import PROGRESS


class SqlProgressBoard:
    """The progress of actions in the database of the read models.

    Args:
        engine: from ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    def put(self, progress: Progress) -> None:
        """Stores the progress of an action, unless a newer one is stored."""
        because = progress.because
        row = {
            "action_id": progress.action_id,
            "percent": progress.percent,
            "detail": progress.detail,
            "updated_at": progress.updated_at,
            "because": because and asdict(because),
            "copied": progress.copied,
            "unchanged_since": None if _unknown(progress) else progress.updated_at,
        }
        insert = upsert(self._engine.dialect.name, PROGRESS)
        new, old = insert.excluded, PROGRESS.c
        has_changed = or_(
            new.percent.is_distinct_from(old.percent), new.copied.is_distinct_from(old.copied)
        )
        kept = case((has_changed, new.unchanged_since), else_=old.unchanged_since)
        statement = insert.on_conflict_do_update(
            index_elements=["action_id"],
            set_={**{name: new[name] for name in row}, "unchanged_since": kept},
            where=PROGRESS.c.updated_at <= insert.excluded.updated_at,
        )
        with outages(self._engine), self._engine.begin() as connection:
            connection.execute(statement, row)

    def of(self, action_ids: Sequence[UUID]) -> dict[UUID, Progress]:
        """The progress of some actions, without those that have none."""
        if not action_ids:
            return {}
        query = select(PROGRESS).where(PROGRESS.c.action_id.in_(action_ids))
        with outages(self._engine), self._reading.connect() as connection:
            rows = connection.execute(query).all()
        return {
            row.action_id: Progress(
                row.action_id,
                row.percent,
                row.detail,
                row.updated_at,
                _because(row.because),
                row.copied,
                row.unchanged_since,
            )
            for row in rows
        }


def _unknown(progress: Progress) -> bool:
    return progress.percent is None and progress.copied is None


def _because(stored: dict[str, Any] | None) -> Cause | None:
    if stored is None:
        return None
    return Cause(**stored)
