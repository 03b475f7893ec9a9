"""What a strategy is given: models of the cloud within a scope, and the metrics it declared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from application.cluster_models.collection import Kept, ModelCollector, ModelCollectors
from application.cluster_models.kinds import M
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricSource
from application.ports.read_models import ReadModels
from application.records.decision import CollectedInputs, ModelInput
from domain.cluster.kinds import ModelKind
from domain.cluster.scope.baremetal import BaremetalScope, parse_baremetal_scope
from domain.cluster.scope.compute import ComputeScope, parse_scope
from domain.cluster.scope.storage import StorageScope, parse_storage_scope
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.optimization.strategy import Strategy
from domain.plans.events import ActionAcknowledged, ActionFailed, ActionIntended, ActionSucceeded

EFFECTS = tuple(
    event.TOPIC for event in (ActionIntended, ActionAcknowledged, ActionSucceeded, ActionFailed)
)
"""Topics of events after which the cloud may look otherwise."""

_EMPTY = frozenset({Reason.MODEL_EMPTY, Reason.STORAGE_EMPTY, Reason.BAREMETAL_EMPTY})


class InputsUnavailable(Exception):
    """What the strategy needs is not to be had, and waiting will not help."""

    def __init__(self, because: Cause) -> None:
        self.because = because
        super().__init__(str(because))


class ScopeSelectsNothing(InputsUnavailable):
    """The audit's scope (or the cloud) holds nothing of a kind that the strategy needs."""


class ModelStale(Exception):
    """There is a model, but it is too old, and the cloud cannot be read now."""

    def __init__(self, because: Cause) -> None:
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


class _Selection(Protocol):
    @property
    def notes(self) -> tuple[Cause, ...]: ...


S_co = TypeVar("S_co", bound=_Selection, covariant=True)


class _Scope(Protocol[M, S_co]):
    def apply(self, model: M) -> tuple[M, S_co]: ...


@dataclass(frozen=True)
class _Scoped(Generic[M]):
    """A model within a scope, and what is to be said about it."""

    taken: ModelInput[M]
    problems: tuple[Cause, ...]


class InputLoader:
    """Finds models and reads the datasource for a run.

    Args:
        models: the kept models.
        metrics: the datasource of a strategy, by the strategy's name.
        clock: tells how long ago Vigil's own latest effect was.
        freshness: how old a model may be.
        last_effect: when Vigil itself last changed the cloud; a model from before is not used.
    """

    def __init__(
        self,
        models: ModelCollectors,
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

    def gather(
        self, strategy: Strategy, parameters: Mapping[str, object], scope: list[Any]
    ) -> CollectedInputs:
        """The models and the metrics that a strategy needs, within the scope.

        Raises:
            CloudUnreachable, CloudRefused: the cloud could not be read (whole).
            ModelStale: likewise, and a model that there is is too old.
            MetricsUnavailable: the datasource gave no answer.
            ScopeSelectsNothing: there is nothing to look at.
            InputsUnavailable: the scope does not make sense, or a kind of model is not kept here.
        """
        needs, kinds = strategy.metrics(parameters), strategy.models(parameters)
        scopes = _scopes(scope)
        compute = self._scoped(self._models.compute, scopes[0])
        storage = baremetal = None
        if ModelKind.STORAGE in kinds:
            storage = self._scoped(_kept(self._models.storage, ModelKind.STORAGE), scopes[1])
        if ModelKind.BAREMETAL in kinds:
            baremetal = self._scoped(_kept(self._models.baremetal, ModelKind.BAREMETAL), scopes[2])
        fetched = self._metrics(strategy.name).fetch(needs, compute.taken.model)
        others = (each.problems for each in (storage, baremetal) if each is not None)
        return CollectedInputs(
            compute=compute.taken,
            storage=None if storage is None else storage.taken,
            baremetal=None if baremetal is None else baremetal.taken,
            metrics=fetched.table,
            problems=(*compute.problems, *sum(others, ()), *fetched.problems),
        )

    def _scoped(self, keeper: ModelCollector[M], scope: _Scope[M, _Selection]) -> _Scoped[M]:
        kept, doubts = self._fresh(keeper)
        model, selection = scope.apply(kept.model)
        for note in selection.notes:
            if note.reason in _EMPTY:
                raise ScopeSelectsNothing(note)
        taken = ModelInput(model, kept.digest, kept.age, kept.collected_at)
        return _Scoped(taken, (*doubts, *kept.problems, *selection.notes))

    def _fresh(self, keeper: ModelCollector[M]) -> tuple[Kept[M], tuple[Cause, ...]]:
        limit = self._limit()
        try:
            return keeper.within(limit), ()
        except (CloudUnreachable, CloudRefused) as failure:
            old = keeper.latest()
            if old is None or _is_absence(failure):
                raise
            because = _stale(keeper.kind, old.age, limit, failure)
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


def _scopes(scope: list[Any]) -> tuple[ComputeScope, StorageScope, BaremetalScope]:
    try:
        return parse_scope(scope), parse_storage_scope(scope), parse_baremetal_scope(scope)
    except InvalidValue as wrong:
        raise InputsUnavailable(Cause(Reason.SCOPE_INVALID, {"error": str(wrong)})) from wrong


def _kept(keeper: ModelCollector[M] | None, kind: ModelKind) -> ModelCollector[M]:
    if keeper is None:
        raise InputsUnavailable(Cause(Reason.MODEL_NOT_KEPT, {"kind": kind.value}))
    return keeper


def _is_absence(failure: Exception) -> bool:
    return isinstance(failure, CloudRefused) and failure.because.reason is Reason.SERVICE_ABSENT


def _stale(kind: ModelKind, age: float, limit: float, failure: Exception) -> Cause:
    error = str(failure) if kind is ModelKind.COMPUTE else f"({kind} model) {failure}"
    return Cause(Reason.MODEL_STALE, {"age": round(age), "limit": round(limit), "error": error})


def last_effect(read: ReadModels) -> datetime | None:
    """When Vigil itself last changed the cloud, or meant to; None if it never did."""
    newest = read.timeline(topics=EFFECTS, limit=1, newest_first=True)
    return newest[0].at if newest else None
