"""An event log with its records, read models and projector on one database."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Engine

from application.kernel.unit_of_work import Commands
from application.ports.event_log import RecordedEvent
from application.ports.projections import Projection
from application.projections import Projector, all_projections
from domain.audits import Audit
from domain.kernel.aggregate import Aggregate
from domain.kernel.metadata import Context, Metadata, component
from domain.plans import ActionPlan
from infrastructure import event_log
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.read_models import (
    SqlProjectionStore,
    SqlServices,
    open_engine,
    open_read_models,
    upgrade,
    views_url,
)

TEST = Metadata(component("test"))
CLOCK = SystemClock()
A = TypeVar("A", bound=Aggregate)


class World:
    """The databases of an installation, and what reads and writes them.

    Args:
        where: folder for SQLite databases, or URL of the event log's database.
        log: the event log, if the caller has opened it (and will close it).
        is_new: whether the databases' schemas have to be created.

    Attributes:
        url: of the event log.
        views_url: of the read models.
        views_engine: connections to the read models, for all but the queries.
        projector: the one that ``settle`` uses.
    """

    def __init__(
        self, where: Path | str, log: event_log.SqlEventLog | None = None, *, is_new: bool = True
    ) -> None:
        self.url = where if isinstance(where, str) else f"sqlite:///{where / 'events.db'}"
        self.views_url = views_url(self.url)
        if is_new:
            event_log.upgrade(self.url)
            upgrade(self.views_url)
        self._owns_log = log is None
        self.log = event_log.open_event_log(self.url) if log is None else log
        self.records = event_log.open_records(self.url)
        self.views_engine = open_engine(self.views_url)
        self.reads = open_read_models(self.views_url, clock=CLOCK, log_end=self.log.end)
        self.services = SqlServices(self.views_engine, host="ctl-1")
        self.commands = Commands(self.log, CLOCK)
        self.projector = self.new_projector()

    def open(self) -> None:
        """Starts what runs in the background."""

    def close(self) -> None:
        """Closes all connections."""
        self.records.close()
        self.reads.close()
        self.views_engine.dispose()
        if self._owns_log:
            self.log.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_projector(
        self,
        projections: Iterable[Projection] | None = None,
        *,
        batch: int = 500,
        engine: Engine | None = None,
    ) -> Projector:
        """A projector of its own, as another process would have one."""
        chosen = all_projections(next_match) if projections is None else projections
        store = SqlProjectionStore(engine or self.views_engine)
        return Projector(self.log, store, chosen, CLOCK, batch=batch)

    def settle(self, position: int) -> None:
        """Brings the read models to a position."""
        self.projector.catch_up()

    def save(self, *aggregates: Aggregate) -> int:
        """Saves the pending events of aggregates, also in the read models; returns the position."""
        position = self.log.save(*aggregates)
        self.settle(position)
        return position

    def change(self, kind: type[A], ident: UUID, change: Callable[[A, Context], object]) -> None:
        """Changes an aggregate, also in the read models."""
        done = self.commands.run(TEST, lambda tx, ctx: change(tx.get(kind, ident), ctx))
        self.settle(done.position)

    def find_audit(self, audit_id: UUID) -> Audit:
        """The audit with an id."""
        found = self.log.find(Audit, audit_id)
        assert found is not None
        return found

    def find_plans(self, audit_id: UUID) -> list[ActionPlan]:
        """The plans of an audit, oldest first."""
        plans = [
            self.log.find(ActionPlan, entry.aggregate_id)
            for entry in self.log.read(0, 10_000)
            if isinstance(entry, RecordedEvent) and entry.topic == "plan.proposed"
        ]
        return [plan for plan in plans if plan is not None and plan.audit_id == audit_id]


def names(views: Iterable[Any]) -> list[str]:
    """The names of some views."""
    return [str(view.name) for view in views]


def uuids(views: Iterable[Any]) -> list[UUID]:
    """The uuids of some views."""
    return [UUID(str(view.uuid)) for view in views]
