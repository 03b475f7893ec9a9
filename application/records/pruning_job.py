import logging
import threading
from datetime import timedelta

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.records.pruning import Pruner, PruningRefused

FIRST = 60.0
"""Seconds from the start until the first pruning, so that it does not slow down the start."""

log = logging.getLogger(__name__)


class PruningJob:
    """Prunes records at an interval. Any number of processes may do so.

    Args:
        pruner: deletes the records.
        keep: how long a model is kept that nothing refers to.
        interval: seconds between two prunings.
        clock: measures how long the database is unreachable.
    """

    def __init__(self, pruner: Pruner, keep: timedelta, *, interval: float, clock: Clock) -> None:
        self._pruner = pruner
        self._keep = keep
        self._job = PeriodicJob(
            log,
            "pruning records failed",
            self._prune,
            interval=interval,
            clock=clock,
            first=min(FIRST, interval),
        )

    def run(self, stop: threading.Event) -> None:
        """Prunes until ``stop`` is set."""
        self._job.run(stop)

    def _prune(self) -> None:
        try:
            deleted = self._pruner.prune(self._keep).dropped
        except PruningRefused as refused:
            log.warning("no records were pruned: %s", refused)
        else:
            log.info("deleted %d records of models, %d bytes", deleted.records, deleted.size)
