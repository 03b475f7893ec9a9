"""What an installation has recorded, opened for reading: the databases refuse to write."""

from functools import cached_property
from typing import TYPE_CHECKING

from application.ports.event_log import ReadOnlyLog
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ReadModels
from application.ports.records import RecordStore
from infrastructure import event_log
from infrastructure.clock import SystemClock
from infrastructure.event_log.read_only import open_read_only, open_records_read_only
from infrastructure.settings import Settings

if TYPE_CHECKING:  # most commands need neither SQLAlchemy nor a model
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from application.replay.cluster_past import ClusterPast
    from domain.plans.action_types import ActionType
    from infrastructure.read_models import SqlReadModels


class History:
    """The log, the records and the read models of an installation; each is opened when needed.

    Args:
        settings: of the installation.

    Raises:
        SchemaError: there is no log, or one of another version; or it cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._url = settings.database.connection
        self._log = open_read_only(self._url)

    @property
    def log(self) -> ReadOnlyLog:
        """The event log."""
        return self._log

    def wait(self, after: int, timeout: float) -> bool:
        """Waits until the log has an event after a position; returns whether it has one."""
        return self._log.wait(after, timeout)

    @cached_property
    def _records(self) -> event_log.SqlRecords:
        return open_records_read_only(self._url)

    @property
    def records(self) -> RecordStore:
        """The stored records."""
        return self._records

    @cached_property
    def _engine(self) -> "Engine":
        from infrastructure import read_models  # noqa: PLC0415 - as above

        return read_models.open_read_only(read_models.views_url(self._url))

    @cached_property
    def _reads(self) -> "SqlReadModels":
        from infrastructure import read_models  # noqa: PLC0415 - as above

        return read_models.SqlReadModels(self._engine, SystemClock(), self._log.end)

    def cluster(self, log: ReadOnlyLog | None = None) -> "ClusterPast":
        """The compute model in the past, read from the log or from one that wraps it."""
        from application.replay.cluster_past import ClusterPast  # noqa: PLC0415 - as above
        from interfaces.bootstrap.queries import cluster_models  # noqa: PLC0415 - as above

        models = cluster_models(self.settings, self._engine, self._records, self._reads)
        return ClusterPast(log or self._log, self._reads, models, self.action_types)

    @cached_property
    def action_types(self) -> "Mapping[str, ActionType]":
        """The installed action types."""
        from infrastructure.plugins import Registry  # noqa: PLC0415 - as above

        return Registry(log_problems=False).of("action")

    @property
    def reads(self) -> ReadModels:
        """The read models."""
        return self._reads

    def index(self) -> ReadModels | None:
        """The read models, if there are some: a copy may consist of the log alone."""
        try:
            self._reads.projections()
        except StoreUnavailable:
            return None
        return self._reads

    def close(self) -> None:
        """Closes the connections."""
        for name in ("_records", "_reads"):
            if name in vars(self):
                vars(self)[name].close()
        self._log.close()
