import logging
import threading
from collections.abc import Callable

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.ports.services import Instance, ServiceRegistry

log = logging.getLogger(__name__)

RECHECK = 0.2
"""Seconds after which an instance that could not work is asked again whether it can."""


class Heartbeat:
    """Writes the heartbeat of an instance at an interval, on a thread of its own.

    Args:
        services: stores the heartbeats.
        instance: the instance that is alive.
        clock: measures ages.
        interval: seconds between heartbeats.
        limit: seconds after which a heartbeat is too old to send requests to the cloud; well below
            the time after which other instances take over its claims.
        works: whether the instance can do its work; while it cannot, it is listed as down.
    """

    def __init__(
        self,
        services: ServiceRegistry,
        instance: Instance,
        clock: Clock,
        *,
        interval: float,
        limit: float,
        works: Callable[[], bool] = lambda: True,
    ) -> None:
        self._services = services
        self._instance = instance
        self._clock = clock
        self._limit = limit
        self._works = works
        self._last = float("-inf")
        self._is_down = False
        self._job = PeriodicJob(
            log, f"no heartbeat of {instance.id}", self._beat, interval=interval, clock=clock
        )

    def beat(self) -> None:
        """Writes one heartbeat; a failure is logged and shows in ``fresh``."""
        self._job.attempt()

    def _beat(self) -> float | None:
        before = self._clock.monotonic()
        works = self._works()
        if works or not self._is_down:
            self._services.beat(self._instance)  # the first one registers it: it is listed
        if works:
            self._last = before
        elif not self._is_down:
            self._services.retire(self._instance.id)
        self._is_down = not works
        return None if works else RECHECK

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
