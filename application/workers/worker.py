"""How work finds a worker: hints say where to look, sweeps make sure that nothing is missed."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from uuid import UUID

from application.kernel.outage_log import DATABASE_AWAY

log = logging.getLogger(__name__)


class Worker:
    """Keeps some slots busy with keys; a key is in one slot at a time.

    Args:
        name: for threads and logs.
        slots: how many keys are processed at once.
        process: does whatever there is to do for a key; must find that out for itself, because
            keys come doubled, late, or for nothing.
        sweep: the keys for which there may be something to do.
        interval: seconds between sweeps.
    """

    def __init__(
        self,
        name: str,
        slots: int,
        process: Callable[[UUID], None],
        sweep: Callable[[], Iterable[UUID]],
        *,
        interval: float,
    ) -> None:
        self.name = name
        self._slots = slots
        self._process = process
        self._sweep = sweep
        self._interval = interval
        self._waiting: queue.SimpleQueue[UUID | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._queued: dict[UUID, Future[None]] = {}
        self._running: dict[UUID, Future[None]] = {}
        self._over = False

    def offer(self, key: UUID) -> Future[None]:
        """Has a key processed (again, if it is being processed now); resolves when it was.

        What no slot has taken when the worker is told to stop is cancelled: it is for others.
        """
        with self._lock:
            if key in self._queued:
                return self._queued[key]
            future: Future[None] = Future()
            if self._over:
                future.cancel()
                return future
            self._queued[key] = future
            if key not in self._running:
                self._waiting.put(key)
            return future

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop; what is in a slot then is waited for, what waits is left."""
        threads = [
            threading.Thread(
                target=self._slot, args=(stop,), name=f"{self.name}-{slot}", daemon=True
            )
            for slot in range(self._slots)
        ]
        for thread in threads:
            thread.start()
        while not stop.is_set():
            self._look()
            stop.wait(self._interval)
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join()
        with self._lock:  # what was to be processed again, or came too late, waits for nobody
            self._over = True
            for future in self._queued.values():
                future.cancel()
            self._queued.clear()

    def _look(self) -> None:
        try:
            keys = list(self._sweep())
        except DATABASE_AWAY as away:
            log.warning("%s: no sweep, the next in %s s: %s", self.name, self._interval, away)
            return
        except Exception:
            log.exception(
                "%s: the sweep failed; the next one is in %s s", self.name, self._interval
            )
            return
        for key in keys:
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
                awaited = future.set_running_or_notify_cancel()  # who waits may have gone
            try:
                self._process(key)
            except Exception:
                log.exception("%s: %s failed; the next sweep takes it up again", self.name, key)
            finally:
                with self._lock:
                    del self._running[key]
                    if key in self._queued:
                        self._waiting.put(key)
                if awaited:
                    future.set_result(None)
