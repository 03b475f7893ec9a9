"""What a strategy is given: the model of the cloud within a scope, and the metrics it declared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.decision_record import Gathered
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricSource
from application.ports.read_models import ReadModels
from application.processes.collection import Kept, ModelKeeper
from domain.cluster.scope import parse_scope
from domain.kernel.reasons import Because, Reason
from domain.optimization.metrics import MetricNeed
from domain.plans.events import ActionAcknowledged, ActionFailed, ActionIntended, ActionSucceeded

EFFECTS = tuple(
    event.TOPIC for event in (ActionIntended, ActionAcknowledged, ActionSucceeded, ActionFailed)
)
"""Topics of events after which the cloud may look otherwise."""


class ScopeSelectsNothing(Exception):
    """The audit's scope (or the cloud) holds no compute host."""

    def __init__(self) -> None:
        self.because = Because(Reason.MODEL_EMPTY)
        super().__init__(str(self.because))


class ModelStale(Exception):
    """There is a model, but it is too old, and the cloud cannot be read now."""

    def __init__(self, because: Because) -> None:
        self.because = because
        super().__init__(str(because))


@dataclass(frozen=True)
class Freshness:
    """How old a model may be.

    Attributes:
        max_age: seconds; an older kept model is replaced by a new collection.
        allow_stale: whether an older one serves when the cloud cannot be read.
    """

    max_age: float = 30.0
    allow_stale: bool = False


class Gatherer:
    """Finds a model and reads the datasource for a run.

    Args:
        models: the kept model.
        metrics: the datasource of a strategy, by the strategy's name.
        clock: tells how long ago Vigil's own latest effect was.
        freshness: how old a model may be.
        last_effect: when Vigil itself last changed the cloud; a model from before is not used.
    """

    def __init__(
        self,
        models: ModelKeeper,
        metrics: Callable[[str], MetricSource],
        clock: Clock,
        freshness: Freshness | None = None,
        last_effect: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._models = models
        self._metrics = metrics
        self._clock = clock
        self._freshness = freshness or Freshness()
        self._last_effect = last_effect

    def gather(self, strategy: str, needs: Sequence[MetricNeed], scope: list[Any]) -> Gathered:
        """The model within the scope and the metrics that a strategy needs.

        Raises:
            CloudUnreachable, CloudRefused: the cloud could not be read (whole).
            ModelStale: likewise, and the model that there is is too old.
            MetricsUnavailable: the datasource gave no answer.
            ScopeSelectsNothing: there is no host to look at.
            InvalidValue: the scope does not make sense.
        """
        kept, doubts = self._model()
        selected = parse_scope(scope).select(kept.model)
        scoped = kept.model.restrict(selected.hosts, selected.excluded)
        if not len(scoped.hosts):
            raise ScopeSelectsNothing
        fetched = self._metrics(strategy).fetch(needs, scoped)
        problems = (*doubts, *kept.problems, *selected.notes, *fetched.problems)
        return Gathered(
            model=scoped,
            metrics=fetched.table,
            problems=problems,
            collected_at=kept.collected_at,
            digest=kept.digest,
            age=kept.age,
        )

    def _model(self) -> tuple[Kept, tuple[Because, ...]]:
        limit = self._limit()
        try:
            return self._models.within(limit), ()
        except (CloudUnreachable, CloudRefused) as failure:
            old = self._models.latest()
            if old is None:
                raise
            because = Because(
                Reason.MODEL_STALE,
                {"age": round(old.age), "limit": round(limit), "error": str(failure)},
            )
            if self._freshness.allow_stale:
                return old, (because,)
            if isinstance(failure, CloudRefused):
                raise  # waiting for a younger model will not help
            raise ModelStale(because) from failure

    def _limit(self) -> float:
        effect = self._last_effect()
        if effect is None:
            return self._freshness.max_age
        since = (self._clock.now() - effect).total_seconds()
        return min(self._freshness.max_age, max(0.0, since))


def last_effect(read: ReadModels) -> datetime | None:
    """When Vigil itself last changed the cloud, or meant to; None if it never did."""
    newest = read.timeline(topics=EFFECTS, limit=1, newest_first=True)
    return newest[0].at if newest else None
