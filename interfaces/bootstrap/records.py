"""What prunes the records that lie beside the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from application.records.pruning import Pruner
from application.records.pruning_job import PruningJob
from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from interfaces.bootstrap.store import CLOCK, OpenDatabase, opened


def pruner(store: OpenDatabase) -> Pruner:
    """Drops records of models that nothing needs."""
    return Pruner(store.log, store.read, SqlCollectedModels(store.engine), store.records, CLOCK)


def housekeeper(settings: Settings, store: OpenDatabase) -> PruningJob:
    """Prunes at intervals, as the settings say."""
    chosen = settings.records
    return PruningJob(
        pruner(store), timedelta(days=chosen.days), interval=3600.0 * chosen.prune_interval
    )


@contextmanager
def record_pruner(settings: Settings) -> Iterator[Pruner]:
    """The pruner of an installation; needs no running Vigil."""
    with opened(settings) as store:
        yield pruner(store)
