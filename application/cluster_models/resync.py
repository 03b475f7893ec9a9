"""Amends models with notifications, and collects where they leave something unclear."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.collection import ModelCollector
from application.kernel.outage_log import DATABASE_AWAY
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.notifications import NotificationBatch
from domain.cluster.compute.reasons import HOST_DOWN, UNKNOWN_HOST
from domain.cluster.kinds import ModelKind
from domain.cluster_models.reasons import TYPE_UNKNOWN
from domain.kernel.reasons import Cause

log = logging.getLogger(__name__)

RARELY = frozenset({UNKNOWN_HOST, TYPE_UNKNOWN, HOST_DOWN})
"""Reasons that a collection may not settle: each cause requests one collection per ``FORGET``."""
FORGET = 900.0
"""Seconds after which such a cause may request a collection again."""


class ResyncScheduler:
    """Collects a kind of model on request, at most once per interval.

    All requests made before a collection begins are met by it, in whichever process it runs.

    Args:
        collector: of the model.
        clock: measures time.
        interval: minimum seconds between the starts of two collections.
    """

    def __init__(self, collector: ModelCollector[Any], clock: Clock, *, interval: float) -> None:
        self._collector = collector
        self._clock = clock
        self._interval = interval
        self._requested = threading.Event()
        self._requested_at = float("-inf")
        self._last = float("-inf")
        self._requested_for: dict[str, float] = {}

    def request(self, reasons: Iterable[Cause]) -> None:
        """Requests a collection, unless all reasons have requested one a short time ago."""
        news = [because for because in reasons if self._is_news(because)]
        if not news:
            return
        log.info("a collection of the %s model is requested: %s", self._collector.kind, news[0])
        self._requested_at = self._clock.monotonic()
        self._requested.set()

    def requested_for(self) -> float:
        """Seconds since the latest request: an older collection lacks what it asks for."""
        return self._clock.monotonic() - self._requested_at

    def run(self, stop: threading.Event) -> None:
        """Collects on request, until ``stop`` is set."""
        while not stop.is_set():
            if self._requested.wait(timeout=0.5):
                pause = self._last + self._interval - self._clock.monotonic()
                if pause <= 0 or not stop.wait(pause):
                    self.step()

    def step(self) -> None:
        """Collects if requested, unless a collection has begun since the request."""
        if not self._requested.is_set():
            return
        self._requested.clear()
        try:
            found = self._collector.confirmation()
            if found is not None and found.collected_age < self.requested_for():
                return
            self._last = self._clock.monotonic()
            self._collector.collect()
        except (CloudUnreachable, CloudRefused) as failure:
            log.warning("the cloud cannot be read; the collector will try again: %s", failure)
        except DATABASE_AWAY as away:
            log.warning("a collection is not recorded; the collector will try again: %s", away)
        except Exception:
            log.exception("a collection failed; the collector will try again")

    def _is_news(self, because: Cause) -> bool:
        if because.reason not in RARELY:
            return True
        now, cause = self._clock.monotonic(), str(because)
        self._requested_for = {
            key: at for key, at in self._requested_for.items() if now - at < FORGET
        }
        return self._requested_for.setdefault(cause, now) == now


@dataclass(frozen=True)
class AmendedKind:
    """A kind of model that notifications amend."""

    writer: AmendmentWriter[Any, Any]
    resync: ResyncScheduler


@dataclass(frozen=True)
class NotificationConsumer:
    """Records batches of notifications.

    Attributes:
        kinds: that are amended; facts about other kinds are dropped.
        note: is called for each kind that a recorded batch has facts about.
    """

    kinds: Mapping[ModelKind, AmendedKind] = field(default_factory=dict)
    note: Callable[[ModelKind], None] = lambda _: None

    def record(self, batch: NotificationBatch) -> None:
        """Amends the models, and requests collections of what is unclear.

        Raises:
            EventLogUnavailable, ConcurrencyConflict: something was not recorded; record it again.
        """
        facts = {ModelKind.COMPUTE: batch.compute, ModelKind.STORAGE: batch.storage}
        for kind, amended in self.kinds.items():
            unclear = list(batch.unclear.get(kind, ()))
            if kind in facts:
                unclear += amended.writer.add(facts[kind])
            amended.resync.request(unclear)
            if facts.get(kind):
                self.note(kind)

    def run(self, stop: threading.Event) -> None:
        """Runs the resync scheduler of each kind, on a thread of its own, until ``stop`` is set."""
        threads = [
            threading.Thread(target=amended.resync.run, args=(stop,), name=f"resync {kind}")
            for kind, amended in self.kinds.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
