"""What prunes the records that lie beside the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from application.records.pruning import Pruner
from application.records.pruning_job import Housekeeper
from infrastructure.read_models import SqlKeptModels
from infrastructure.settings import Settings
from interfaces.bootstrap.store import CLOCK, Store, opened


def pruner(store: Store) -> Pruner:
    """Drops records of models that nothing needs."""
    return Pruner(store.log, store.read, SqlKeptModels(store.engine), store.records, CLOCK)


def housekeeper(settings: Settings, store: Store) -> Housekeeper:
    """Prunes at intervals, as the settings say."""
    chosen = settings.records
    return Housekeeper(
        pruner(store), timedelta(days=chosen.days), interval=3600.0 * chosen.prune_interval
    )


@contextmanager
def record_pruner(settings: Settings) -> Iterator[Pruner]:
    """The pruner of an installation; needs no running Vigil."""
    with opened(settings) as store:
        yield pruner(store)
