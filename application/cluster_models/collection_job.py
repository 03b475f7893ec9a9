"""Collects models periodically."""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.kernel.periodic import PeriodicJob
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.collected_models import Confirmation
from domain.cluster.kinds import ModelKind

log = logging.getLogger(__name__)

RETRY = 15.0
"""Seconds between a failed collection and the next attempt, unless the period is shorter."""
_EARLY = 0.9


def renewal(reconcile_interval: float) -> float:
    """Seconds after which a collection reads everything again, in time before the interval ends."""
    return _EARLY * reconcile_interval


def collect_all(
    collectors: ModelCollectors,
    periods: Mapping[ModelKind, float],
    reconcile_interval: float,
    clock: Clock,
    stop: threading.Event,
) -> None:
    """Runs a collection job for each kind, on a thread of its own, until ``stop`` is set."""
    threads = [
        threading.Thread(
            target=CollectionJob(
                collector,
                clock,
                period=periods[collector.kind],
                reconcile_interval=reconcile_interval,
            ).run,
            args=(stop,),
            name=f"collector {collector.kind}",
        )
        for collector in collectors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class CollectionJob:
    """Collects a model periodically. Several processes share the work without a leader.

    While a listener vouches for the model, it collects only to read everything again, in time
    before ``reconcile_interval`` ends; in between it looks for what no notification reports.

    Args:
        collector: of the model.
        clock: measures how long the database is unreachable.
        period: seconds from the start of one collection to the next, of all processes together.
        reconcile_interval: seconds after which nobody vouches for a model any more.
    """

    def __init__(
        self,
        collector: ModelCollector[Any],
        clock: Clock,
        *,
        period: float,
        reconcile_interval: float = 0.0,
    ) -> None:
        self._collector = collector
        self._period = period
        self._renewal = renewal(reconcile_interval)
        self._retry = min(RETRY, period)
        self._is_absent = False
        self._job = PeriodicJob(
            log,
            f"collecting the {collector.kind} model failed",
            self.step,
            interval=self._retry,
            clock=clock,
        )

    def run(self, stop: threading.Event) -> None:
        """Collects when due, until ``stop`` is set."""
        self._job.run(stop)

    def step(self) -> float:
        """Collects if due; returns the seconds until the next check."""
        found = self._collector.confirmation()
        try:
            if found is not None and not self._is_due(found):
                if found.collected_age < self._period:
                    return self._period - found.collected_age
                if not self._collector.has_unreported_change():
                    return self._period
            current = self._collector.collect()
        except (CloudUnreachable, CloudRefused) as failure:
            return self._log_failure(failure)
        self._is_absent = False
        return max(0.0, self._period - current.age)

    def _is_due(self, found: Confirmation) -> bool:
        if found.age >= self._period:
            return True
        return found.whole_age >= self._renewal and found.collected_age >= self._period

    def _log_failure(self, failure: CloudUnreachable | CloudRefused) -> float:
        """Logs a failure; an absent service only once. Returns the pause in seconds."""
        if isinstance(failure, CloudRefused) and failure.is_service_absent:
            if not self._is_absent:
                log.info("no %s model is collected: %s", self._collector.kind, failure)
            self._is_absent = True
            return self._period
        log.warning(
            "the %s model cannot be collected, retrying in %.0f s: %s",
            self._collector.kind,
            self._retry,
            failure,
        )
        return self._retry
