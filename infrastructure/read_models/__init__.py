"""Read models in SQLite or PostgreSQL: read tables, queries, heartbeats, progress, counters."""

from collections.abc import Callable

from application.ports.clock import Clock
from infrastructure.read_models.collected_models import SqlCollectedModels
from infrastructure.read_models.counters import SqlCounterBoard
from infrastructure.read_models.engine import open_engine, open_read_only, views_url
from infrastructure.read_models.migrations import upgrade
from infrastructure.read_models.models import SqlReadModels
from infrastructure.read_models.poison import SqlPoisonBoard
from infrastructure.read_models.processes import this_instance
from infrastructure.read_models.progress import SqlProgressBoard
from infrastructure.read_models.services import SqlServices
from infrastructure.read_models.store import SqlProjectionStore
from infrastructure.read_models.transport_positions import SqlTransportPositions


def open_read_models(url: str, *, clock: Clock, log_end: Callable[[], int]) -> SqlReadModels:
    """Queries on the read models at a URL.

    Args:
        url: ``sqlite:///…`` or ``postgresql://…``; ``views_url`` derives it from the log's.
        clock: for the wait for a position.
        log_end: returns the position of the last event of the log.
    """
    return SqlReadModels(open_engine(url), clock, log_end)


__all__ = [
    "SqlCollectedModels",
    "SqlCounterBoard",
    "SqlPoisonBoard",
    "SqlProgressBoard",
    "SqlProjectionStore",
    "SqlReadModels",
    "SqlServices",
    "SqlTransportPositions",
    "open_engine",
    "open_read_models",
    "open_read_only",
    "this_instance",
    "upgrade",
    "views_url",
]
