"""Prunes records at intervals."""

import logging
import threading
from datetime import timedelta

from application.records.pruning import Pruner, PruningRefused

FIRST = 60.0
"""Seconds from the start until the first pruning: an installation comes up in peace."""

log = logging.getLogger(__name__)


class PruningJob:
    """Drops what nothing needs, now and then. Any number may: what one dropped is gone for all.

    Args:
        pruner: does it.
        keep: for how long a model is kept that nothing refers to.
        interval: seconds between two prunings.
    """

    def __init__(self, pruner: Pruner, keep: timedelta, *, interval: float) -> None:
        self._pruner = pruner
        self._keep = keep
        self._interval = interval

    def run(self, stop: threading.Event) -> None:
        """Prunes at intervals until told to stop."""
        pause = min(FIRST, self._interval)
        while not stop.wait(pause):
            self._prune(stop)
            pause = self._interval

    def _prune(self, stop: threading.Event) -> None:
        try:
            gone = self._pruner.prune(self._keep).dropped
        except PruningRefused as refused:
            log.warning("no records were pruned, again in %.0f s: %s", self._interval, refused)
        except Exception:
            if not stop.is_set():  # else the database was closed in the middle of it
                log.exception("pruning records failed, again in %.0f s", self._interval)
        else:
            log.info("dropped %d records of cluster models, %d bytes", gone.records, gone.size)
