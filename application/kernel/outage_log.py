"""Logs an outage once a minute, not at each failed attempt."""

import logging
from collections.abc import Callable

from application.ports.event_log import EventLogUnavailable
from application.ports.projections import StoreUnavailable

DATABASE_AWAY = (EventLogUnavailable, StoreUnavailable)
"""Raised while the database is unreachable: an outage, not a bug, so logged without a traceback."""
AGAIN = 60.0
"""Seconds after which a continuing outage is logged again."""


class OutageLog:
    """Logs the start of an outage, once a minute that it continues, and its end.

    Args:
        log: the logger.
        what: what fails, and the consequence.
        now: seconds of a monotonic clock.
    """

    def __init__(self, log: logging.Logger, what: str, now: Callable[[], float]) -> None:
        self._log = log
        self._what = what
        self._now = now
        self._began: float | None = None
        self._logged = 0.0

    def failed(self, error: Exception) -> None:
        """Call after a failed attempt."""
        now = self._now()
        if self._began is None:
            self._began = now
        elif now - self._logged < AGAIN:
            return
        self._logged = now
        why = " ".join(str(error).split())
        if now == self._began:
            self._log.warning("%s: %s", self._what, why)
        else:
            self._log.warning("%s, for %.0f s now: %s", self._what, now - self._began, why)

    def over(self) -> None:
        """Call after a successful attempt."""
        if self._began is not None:
            self._log.info("%s: over after %.0f s", self._what, self._now() - self._began)
            self._began = None
