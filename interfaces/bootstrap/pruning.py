"""Deletes stored records of cluster models that are no longer referred to."""

from application.records.pruning import Pruner
from infrastructure.read_models import SqlCollectedModels
from interfaces.bootstrap.database import CLOCK, OpenDatabase


def pruner(database: OpenDatabase) -> Pruner:
    """Finds and deletes records of cluster models that nothing refers to."""
    collected = SqlCollectedModels(database.engine)
    return Pruner(database.log, database.read, collected, database.records, CLOCK)
