"""The database of an installation, opened in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Engine

from application.kernel.unit_of_work import Commands
from application.projections import Projector, RebuildReport, all_projections
from infrastructure import event_log, read_models
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.settings import Settings

CLOCK = SystemClock()


def upgrade(settings: Settings) -> list[str]:
    """Brings the schema of the database up to date; returns what was done."""
    url = settings.database.connection
    done = event_log.upgrade(url)
    read_models.upgrade(read_models.views_url(url))
    return done


@contextmanager
def opened(settings: Settings) -> Iterator["OpenDatabase"]:
    """The database while a block runs."""
    store = OpenDatabase(settings)
    try:
        yield store
    finally:
        store.close()


class OpenDatabase:
    """The database, opened in this process (after any fork)."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database.connection
        self.log = event_log.open_event_log(url)
        self.records = event_log.open_records(url)
        self.engine: Engine = read_models.open_engine(read_models.views_url(url))
        self.read = read_models.SqlReadModels(self.engine, CLOCK, self.log.end)
        self.progress = read_models.SqlProgressBoard(self.engine)
        self.counters = read_models.SqlCounterBoard(self.engine)
        self.poison = read_models.SqlPoisonBoard(self.engine)
        self.services = read_models.SqlServices(
            self.engine,
            host=settings.host,
            down_after=timedelta(seconds=settings.service_down_time),
        )
        self.commands = Commands(self.log, CLOCK)

    def projector(self) -> Projector:
        """Folds the log into the read tables."""
        store = read_models.SqlProjectionStore(self.engine)
        return Projector(self.log, store, all_projections(next_match), CLOCK)

    def close(self) -> None:
        """Gives connections back."""
        self.records.close()
        self.engine.dispose()
        self.log.close()


def rebuild(settings: Settings, name: str) -> RebuildReport:
    """Builds read tables anew beside the live ones and switches to them."""
    with opened(settings) as store:
        return store.projector().rebuild(name)
