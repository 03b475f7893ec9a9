"""The database of an installation, opened in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property

from sqlalchemy import Engine

from application.kernel.unit_of_work import Commands
from application.projections import Projector, all_projections
from infrastructure import event_log, read_models
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.postgresql import for_reading
from infrastructure.settings import Settings

CLOCK = SystemClock()


class OpenDatabase:
    """The ports that the database implements. Open it after a fork, never before.

    Args:
        settings: of the installation.
        writes: whether its sessions must be able to write; viewers also read from a standby.
    """

    def __init__(self, settings: Settings, *, writes: bool = True) -> None:
        url = settings.database.connection
        url = url if writes else for_reading(url)
        self._url = url
        self.log = event_log.open_event_log(url)
        self.records = event_log.open_records(url)
        self.engine: Engine = read_models.open_engine(read_models.views_url(url))
        self.read = read_models.SqlReadModels(self.engine, CLOCK, self.log.end)
        self.progress = read_models.SqlProgressBoard(self.engine)
        self.counters = read_models.SqlCounterBoard(self.engine)
        self.transports = read_models.SqlTransportPositions(self.engine)
        self.poison = read_models.SqlPoisonBoard(self.engine)
        self.services = read_models.SqlServices(
            self.engine,
            host=settings.host,
            down_after=timedelta(seconds=settings.service_down_time),
        )
        self.commands = Commands(self.log, CLOCK)

    @cached_property
    def seals(self) -> event_log.SqlSeals:
        """The seals; opened when needed, as one role seals."""
        return event_log.open_seals(self._url)

    def projector(self) -> Projector:
        """Applies events to the read tables."""
        store = read_models.SqlProjectionStore(self.engine)
        return Projector(self.log, store, all_projections(next_match), CLOCK)

    def close(self) -> None:
        """Closes all connections."""
        if "seals" in vars(self):
            self.seals.close()
        self.records.close()
        self.engine.dispose()
        self.log.close()


@contextmanager
def opened(settings: Settings) -> Iterator[OpenDatabase]:
    """Opens the database and closes it after the block."""
    database = OpenDatabase(settings)
    try:
        yield database
    finally:
        database.close()


def upgrade(settings: Settings) -> list[str]:
    """Upgrades the database schema; returns the steps taken."""
    url = settings.database.connection
    done = event_log.upgrade(url)
    read_models.upgrade(read_models.views_url(url))
    return done
