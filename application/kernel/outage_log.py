"""How an outage is told: not at every attempt that it spoils."""

import logging
from collections.abc import Callable

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable

DATABASE_AWAY = (EventLogUnavailable, StoreUnavailable)
"""What is raised while the database cannot be reached: no defect, and no reason for a traceback."""
AGAIN = 60.0
"""Seconds after which an outage that lasts is told again."""


class OutageLog:
    """Tells when something begins to fail, once a minute that it still does, and when it is over.

    Args:
        log: where to tell it.
        what: what fails, and what is done about it.
        now: seconds of a monotonic clock.
    """

    def __init__(self, log: logging.Logger, what: str, now: Callable[[], float]) -> None:
        self._log = log
        self._what = what
        self._now = now
        self._began: float | None = None
        self._told = 0.0

    def failed(self, error: Exception) -> None:
        """An attempt failed."""
        now = self._now()
        if self._began is None:
            self._began = now
        elif now - self._told < AGAIN:
            return
        self._told = now
        why = " ".join(str(error).split())
        if now == self._began:
            self._log.warning("%s: %s", self._what, why)
        else:
            self._log.warning("%s, for %.0f s now: %s", self._what, now - self._began, why)

    def over(self) -> None:
        """An attempt succeeded."""
        if self._began is not None:
            self._log.info("%s: over after %.0f s", self._what, self._now() - self._began)
            self._began = None
