import logging
import threading

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.ports.services import Instance, ServiceRegistry

log = logging.getLogger(__name__)


class Heartbeat:
    """Writes the heartbeat of an instance at an interval, on a thread of its own.

    Args:
        services: stores the heartbeats.
        instance: the instance that is alive.
        clock: measures ages.
        interval: seconds between heartbeats.
        limit: seconds after which a heartbeat is too old to send requests to the cloud; well below
            the time after which other instances take over its claims.
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
        self._limit = limit
        self._last = float("-inf")
        self._job = PeriodicJob(
            log, f"no heartbeat of {instance.id}", self._beat, interval=interval, clock=clock
        )

    def beat(self) -> None:
        """Writes one heartbeat; a failure is logged and shows in ``fresh``."""
        self._job.attempt()

    def _beat(self) -> None:
        before = self._clock.monotonic()
        self._services.beat(self._instance)
        self._last = before

    def fresh(self) -> bool:
        """Whether no other instance can presume this one dead, by the monotonic clock."""
        return self._clock.monotonic() - self._last < self._limit

    def run(self, stop: threading.Event) -> None:
        """Writes heartbeats until ``stop`` is set, then retires the instance."""
        self._job.run(stop)
        try:
            self._services.retire(self._instance.id)
        except Exception:
            log.exception("%s is not retired; its claims must time out", self._instance.id)
