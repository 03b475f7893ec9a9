"""Follows the cloud by its notifications; what they leave open is collected, soon and not often."""

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.collection import ModelCollector
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.notifications import NotificationBatch
from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Cause, Reason

log = logging.getLogger(__name__)

ONCE = frozenset({Reason.UNKNOWN_HOST, Reason.TYPE_UNKNOWN, Reason.HOST_DOWN})
"""What a collection may well not settle: such a thing is asked about once in a while only."""
FORGET = 900.0
"""Seconds after which such a thing is asked about again."""


class ResyncScheduler:
    """Collects a kind of model when asked to, at most once in an interval.

    Any number of requests until a collection begins are met by that one, whoever makes it.

    Args:
        keeper: collects.
        clock: measures.
        interval: seconds from the beginning of one collection to that of the next, at least.
    """

    def __init__(self, keeper: ModelCollector[Any], clock: Clock, *, interval: float) -> None:
        self._keeper = keeper
        self._clock = clock
        self._interval = interval
        self._wanted = threading.Event()
        self._since = 0.0
        self._last = float("-inf")
        self._asked: dict[str, float] = {}

    def ask(self, reasons: Iterable[Cause]) -> None:
        """Wants a collection that begins from now on, if any of the reasons is worth it."""
        news = [because for because in reasons if self._is_news(because)]
        if not news:
            return
        log.info("a collection (%s) is wanted: %s", self._keeper.kind, news[0])
        self._since = self._clock.monotonic()
        self._wanted.set()

    def run(self, stop: threading.Event) -> None:
        """Collects as it is asked to, until told to stop."""
        while not stop.is_set():
            if self._wanted.wait(timeout=0.5):
                pause = self._last + self._interval - self._clock.monotonic()
                if pause <= 0 or not stop.wait(pause):
                    self.step()

    def step(self) -> None:
        """Collects, unless there was no request or somebody has met it."""
        if not self._wanted.is_set():
            return
        self._wanted.clear()
        age = self._keeper.age()
        if age is not None and age < self._clock.monotonic() - self._since:
            return
        self._last = self._clock.monotonic()
        try:
            self._keeper.collect()
        except (CloudUnreachable, CloudRefused) as failure:
            log.warning("the cloud cannot be read; the collector tries again: %s", failure)
        except Exception:
            log.exception("a collection failed; the collector tries again")

    def _is_news(self, because: Cause) -> bool:
        if because.reason not in ONCE:
            return True
        now, about = self._clock.monotonic(), str(because)
        self._asked = {key: at for key, at in self._asked.items() if now - at < FORGET}
        return self._asked.setdefault(about, now) == now


@dataclass(frozen=True)
class AmendedKind:
    """A kind of model that notifications amend."""

    amender: AmendmentWriter[Any, Any]
    recollection: ResyncScheduler


@dataclass(frozen=True)
class NotificationConsumer:
    """Takes what notifications tell.

    Attributes:
        followed: by kind; what is told of other kinds is not used.
    """

    followed: Mapping[ModelKind, AmendedKind] = field(default_factory=dict)

    def record(self, told: NotificationBatch) -> None:
        """Amends the models, and asks for collections where that is not enough.

        Raises:
            EventLogUnavailable, ConcurrencyConflict: something was not recorded; tell it again.
        """
        facts = {ModelKind.COMPUTE: told.compute, ModelKind.STORAGE: told.storage}
        for kind, followed in self.followed.items():
            unclear = list(told.unclear.get(kind, ()))
            if kind in facts:
                unclear += followed.amender.take(facts[kind])
            followed.recollection.ask(unclear)

    def run(self, stop: threading.Event) -> None:
        """Collects as is needed, each kind on a thread of its own, until told to stop."""
        threads = [
            threading.Thread(
                target=followed.recollection.run, args=(stop,), name=f"recollection {kind}"
            )
            for kind, followed in self.followed.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
