import logging
import threading

from application.kernel.outage_log import DATABASE_AWAY, OutageLog
from application.ports.clock import Clock
from application.ports.services import Instance, ServiceRegistry

log = logging.getLogger(__name__)


class Heartbeat:
    """Says at intervals that an instance lives, on a thread of its own, off the work's path.

    Args:
        services: where to say it.
        instance: who says it.
        clock: for ages.
        interval: seconds between beats.
        limit: seconds after which a beat is too old to act on: well below the time after which
            others presume the instance dead.
    """

    def __init__(
        self,
        services: ServiceRegistry,
        instance: Instance,
        clock: Clock,
        *,
        interval: float,
        limit: float,
    ) -> None:
        self._services = services
        self._instance = instance
        self._clock = clock
        self._interval = interval
        self._limit = limit
        self._last = float("-inf")
        self._outage = OutageLog(log, f"no heartbeat of {instance.id}", clock.monotonic)

    def beat(self) -> None:
        """Beats once; a failure is logged and shows in ``fresh``."""
        before = self._clock.monotonic()
        try:
            self._services.beat(self._instance)
        except DATABASE_AWAY as away:
            self._outage.failed(away)
        except Exception:
            log.exception("heartbeat of %s failed; trying again", self._instance.id)
        else:
            self._outage.over()
            self._last = before

    def fresh(self) -> bool:
        """Whether nobody can presume this instance dead yet (by its own monotonic clock)."""
        return self._clock.monotonic() - self._last < self._limit

    def run(self, stop: threading.Event) -> None:
        """Beats until told to stop, then retires the instance."""
        while not stop.is_set():
            self.beat()
            stop.wait(self._interval)
        try:
            self._services.retire(self._instance.id)
        except Exception:
            log.exception("%s could not retire; its claims wait for the timeout", self._instance.id)
