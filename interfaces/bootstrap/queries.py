"""What viewers look at."""

from collections.abc import Callable
from dataclasses import dataclass

from application.cluster_models.query import ClusterModels
from application.ports.event_log import EventLog
from application.ports.poison import PoisonBoard
from application.ports.progress import ProgressBoard
from application.ports.read_models import ReadModels
from application.ports.services import ServiceRegistry
from infrastructure.settings import Settings
from interfaces.bootstrap.models import cluster_models
from interfaces.bootstrap.store import OpenDatabase


@dataclass(frozen=True)
class Queries:
    """What viewers look at."""

    log: EventLog
    read: ReadModels
    services: ServiceRegistry
    progress: ProgressBoard
    poison: PoisonBoard
    models: ClusterModels
    close: Callable[[], None]


def open_queries(settings: Settings) -> Queries:
    """What viewers look at; needs no running Vigil."""
    store = OpenDatabase(settings)
    return Queries(
        store.log,
        store.read,
        store.services,
        store.progress,
        store.poison,
        cluster_models(settings, store),
        store.close,
    )
