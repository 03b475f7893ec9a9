"""A pool of slots that processes keys: from hints at once, from sweeps at an interval."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from uuid import UUID

from application.kernel.periodic import PeriodicJob
from application.ports.bus import Busy
from application.ports.clock import Clock

log = logging.getLogger(__name__)


class Worker:
    """Processes keys in parallel slots; a key is in one slot at a time.

    Args:
        name: for threads and logs.
        slots: number of keys processed at once.
        process: does what is to be done for a key, if anything; a key may come late, twice or
            without need. It calls its second argument as soon as no other worker may have the key.
        sweep: returns the keys that may need processing.
        interval: seconds between sweeps.
        clock: measures how long the database is unreachable.
    """

    def __init__(
        self,
        name: str,
        slots: int,
        process: Callable[[UUID, Callable[[], None]], None],
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
        self._running: set[UUID] = set()
        self._room: list[Future[None]] = []
        self._stopped = False

    def offer(self, key: UUID) -> Future[None]:
        """Queues a key; the future resolves when the key is claimed, or was processed.

        A key that is being processed is processed again; its future resolves at once. When the
        worker stops, the futures of keys that no slot has taken are cancelled.
        """
        with self._lock:
            return self._offered(key)

    def take(self, key: UUID) -> Future[None]:
        """As ``offer``, for keys that other workers could have instead.

        Raises:
            Busy: no slot is free.
        """
        with self._lock:
            known = key in self._queued or key in self._running
            if not known and not self._has_room():
                raise Busy
            return self._offered(key)

    def room(self) -> Future[None]:
        """A future that resolves when a slot is free."""
        with self._lock:
            future: Future[None] = Future()
            if self._has_room():
                future.set_result(None)
            else:
                self._room.append(future)
            return future

    def _has_room(self) -> bool:
        queued = sum(key not in self._running for key in self._queued)
        return len(self._running) + queued < self._slots

    def _offered(self, key: UUID) -> Future[None]:
        if key in self._queued:
            return self._queued[key]
        future: Future[None] = Future()
        if self._stopped:
            future.cancel()
            return future
        self._queued[key] = future
        if key in self._running:
            future.set_result(None)
        else:
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
                self._running.add(key)
                # no thread waits with a key that was offered during its processing
                is_awaited = not future.done() and future.set_running_or_notify_cancel()
            claimed = _Once(future if is_awaited else None)
            try:
                self._process(key, claimed)
            except Exception:
                log.exception("%s: %s failed; the next sweep tries it again", self.name, key)
            finally:
                with self._lock:
                    self._running.discard(key)
                    if key in self._queued:
                        self._waiting.put(key)
                    freed = self._room if self._has_room() else []
                    self._room = [] if freed else self._room
                claimed()
                for room in freed:
                    if room.set_running_or_notify_cancel():
                        room.set_result(None)


class _Once:
    """Resolves a future at its first call."""

    def __init__(self, future: Future[None] | None) -> None:
        self._future = future

    def __call__(self) -> None:
        if self._future is not None:
            self._future.set_result(None)
            self._future = None
