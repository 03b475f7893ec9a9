"""What a strategy is given: the model of the cloud within a scope, and the metrics it declared."""

from collections.abc import Sequence
from typing import Any

from application.decision_record import Gathered
from application.ports.clock import Clock
from application.ports.cloud import ComputeCollector
from application.ports.metrics import MetricSource
from domain.cluster.compute import ComputeModel
from domain.cluster.scope import parse_scope
from domain.kernel.reasons import Because, Reason
from domain.optimization.metrics import MetricNeed


class ScopeSelectsNothing(Exception):
    """The audit's scope (or the cloud) holds no compute host."""

    def __init__(self) -> None:
        self.because = Because(Reason.MODEL_EMPTY)
        super().__init__(str(self.because))


class Gatherer:
    """Reads the cloud and the datasource for a run."""

    def __init__(self, collector: ComputeCollector, metrics: MetricSource, clock: Clock) -> None:
        self._collector = collector
        self._metrics = metrics
        self._clock = clock

    def gather(self, needs: Sequence[MetricNeed], scope: list[Any]) -> Gathered:
        """The model within the scope and the needed metrics.

        Raises:
            CloudUnreachable, CloudRefused: the cloud could not be read (whole).
            MetricsUnavailable: the datasource gave no answer.
            ScopeSelectsNothing: there is no host to look at.
            InvalidValue: the scope does not make sense.
        """
        at = self._clock.now()
        rows = self._collector.collect()
        model, quarantined = ComputeModel.build(
            rows.hosts, rows.servers, rows.groups, rows.aggregates
        )
        selected = parse_scope(scope).select(model)
        scoped = model.restrict(selected.hosts, selected.excluded)
        if not len(scoped.hosts):
            raise ScopeSelectsNothing
        fetched = self._metrics.fetch(needs, scoped)
        unfit = (one.because for one in quarantined)
        problems = (*rows.problems, *unfit, *selected.notes, *fetched.problems)
        return Gathered(scoped, fetched.table, problems, at)
