"""A log and its read models, for real: what tests of projections stand on."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from application.ports.event_log import EventLog
from application.ports.projections import Projection
from application.projections import Projector, all_projections
from domain.kernel.aggregate import Aggregate
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.read_models import (
    SqlProjectionStore,
    SqlReadModels,
    open_engine,
    upgrade,
    views_url,
)


@dataclass
class World:
    """A log and its read models on one kind of database.

    Attributes:
        url: of the read models.
    """

    url: str
    log: EventLog
    engine: Engine
    models: SqlReadModels

    @classmethod
    def open(cls, log_url: str, log: EventLog) -> "World":
        """The read models beside a log."""
        url = views_url(log_url)
        upgrade(url)
        engine = open_engine(url)
        return cls(url, log, engine, SqlReadModels(engine, SystemClock(), log.end))

    def projector(
        self, projections: Iterable[Projection] | None = None, *, batch: int = 500
    ) -> Projector:
        """A projector of its own, as another process would have one."""
        chosen = all_projections(next_match) if projections is None else projections
        store = SqlProjectionStore(self.engine)
        return Projector(self.log, store, chosen, SystemClock(), batch=batch)

    def tell(self, *aggregates: Aggregate) -> int:
        """Saves what happened and has the read models reflect it."""
        position = self.log.save(*aggregates)
        self.projector().catch_up()
        return position

    def close(self) -> None:
        """Gives connections back."""
        self.engine.dispose()


def names(views: Iterable[object]) -> list[str]:
    """The names of some views."""
    return [str(getattr(view, "name")) for view in views]  # noqa: B009 - views have no common type


def uuids(views: Iterable[object]) -> list[UUID]:
    """The uuids of some views."""
    return [UUID(str(getattr(view, "uuid"))) for view in views]  # noqa: B009
