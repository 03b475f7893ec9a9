"""A pool of slots that processes keys: from hints at once, from sweeps at an interval."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from uuid import UUID

from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock

log = logging.getLogger(__name__)


class Worker:
    """Processes keys in parallel slots; a key is in one slot at a time.

    Args:
        name: for threads and logs.
        slots: number of keys processed at once.
        process: does what is to be done for a key, if anything; a key may come late, twice or
            without need.
        sweep: returns the keys that may need processing.
        interval: seconds between sweeps.
        clock: measures how long the database is unreachable.
    """

    def __init__(
        self,
        name: str,
        slots: int,
        process: Callable[[UUID], None],
        sweep: Callable[[], Iterable[UUID]],
        *,
        interval: float,
        clock: Clock,
    ) -> None:
        self.name = name
        self._slots = slots
        self._process = process
        self._sweep = sweep
        self._sweeps = PeriodicJob(
            log, f"{name}: the sweep failed", self._offer_swept, interval=interval, clock=clock
        )
        self._waiting: queue.SimpleQueue[UUID | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._queued: dict[UUID, Future[None]] = {}
        self._running: dict[UUID, Future[None]] = {}
        self._stopped = False

    def offer(self, key: UUID) -> Future[None]:
        """Queues a key (also while it is being processed); the future resolves after processing.

        When the worker stops, the futures of keys that no slot has taken are cancelled.
        """
        with self._lock:
            if key in self._queued:
                return self._queued[key]
            future: Future[None] = Future()
            if self._stopped:
                future.cancel()
                return future
            self._queued[key] = future
            if key not in self._running:
                self._waiting.put(key)
            return future

    def run(self, stop: threading.Event) -> None:
        """Processes keys until ``stop`` is set; then waits for the slots, and drops queued keys."""
        threads = [
            threading.Thread(
                target=self._slot, args=(stop,), name=f"{self.name}-{slot}", daemon=True
            )
            for slot in range(self._slots)
        ]
        for thread in threads:
            thread.start()
        self._sweeps.run(stop)
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join()
        with self._lock:  # no slot is left for keys that were queued during their processing
            self._stopped = True
            for future in self._queued.values():
                future.cancel()
            self._queued.clear()

    def _offer_swept(self) -> None:
        for key in self._sweep():
            with self._lock:
                busy = key in self._running
            if not busy:
                self.offer(key)

    def _slot(self, stop: threading.Event) -> None:
        while (key := self._waiting.get()) is not None:
            with self._lock:
                future = self._queued.pop(key)
                if stop.is_set():
                    future.cancel()
                    continue
                self._running[key] = future
                is_awaited = future.set_running_or_notify_cancel()
            try:
                self._process(key)
            except Exception:
                log.exception("%s: %s failed; the next sweep tries it again", self.name, key)
            finally:
                with self._lock:
                    del self._running[key]
                    if key in self._queued:
                        self._waiting.put(key)
                if is_awaited:
                    future.set_result(None)
