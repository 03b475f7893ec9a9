"""The inputs of a strategy: models of the cloud within the audit's scope, and metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.cluster_models.kinds import M
from application.cluster_models.record import CurrentModel
from application.ports.clock import Clock
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.metrics import MetricSource
from application.ports.operator_rules import RulesDocument, RulesUnreadable
from application.ports.read_models import ReadModels, ServerMove
from application.records.decision import CollectedInputs
from domain.audits.reasons import MODEL_NOT_KEPT, MODEL_STALE
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.scope.baremetal import BaremetalScope, parse_baremetal_scope
from domain.cluster.scope.compute import ComputeScope, parse_scope
from domain.cluster.scope.operator_rules import AmbiguousName, parse_rules, resolve_rules
from domain.cluster.scope.reasons import (
    BAREMETAL_EMPTY,
    MODEL_EMPTY,
    RULES_FILE_INVALID,
    SCOPE_INVALID,
    STORAGE_EMPTY,
)
from domain.cluster.scope.storage import StorageScope, parse_storage_scope
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import FloatArray
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import (
    COMPUTE_RESOURCES,
    METRIC_UNKNOWN,
    MetricNeed,
    MetricTable,
    unknown_column,
)
from domain.optimization.context import ObservedMove, P
from domain.optimization.strategy import Strategy
from domain.plans.action_types.declaration import ActionType
from domain.plans.events import (
    ActionAcknowledged,
    ActionFailed,
    ActionIntended,
    ActionStepAcknowledged,
    ActionStepIntended,
    ActionSucceeded,
)

EFFECTS = tuple(
    event.TOPIC
    for event in (
        ActionIntended,
        ActionAcknowledged,
        ActionStepIntended,
        ActionStepAcknowledged,
        ActionSucceeded,
        ActionFailed,
    )
)
"""Topics of events after which the cloud may have changed."""

_EMPTY = frozenset({MODEL_EMPTY, STORAGE_EMPTY, BAREMETAL_EMPTY})


class _InputError(Exception):
    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


class InputsUnavailable(_InputError):
    """The run cannot get something that it needs, and a retry will not help."""


class ModelStale(_InputError):
    """The collected model is too old, and the cloud cannot be read now."""


@dataclass(frozen=True)
class Freshness:
    """How old a model may be.

    Attributes:
        max_age: seconds; an older model is replaced by a new collection.
        allow_stale: whether an older model is used while the cloud cannot be read.
    """

    max_age: float = 30.0
    allow_stale: bool = False


class _Selection(Protocol):
    @property
    def notes(self) -> tuple[Cause, ...]: ...


S_co = TypeVar("S_co", bound=_Selection, covariant=True)


class _Scope(Protocol[M, S_co]):
    def apply(self, model: M) -> tuple[M, S_co]: ...


class InputLoader:
    """Loads the models and metrics of a run.

    Args:
        models: the collected models.
        metrics: returns the datasource of a strategy, by the strategy's name.
        clock: for the time since the latest effect.
        freshness: how old a model may be.
        last_effect: returns the time of Vigil's own latest change of what a kind of model shows;
            older models of it are not used.
        moves_since: returns Vigil's own moves that are in flight or ended after a time.
        failed_moves: returns the servers whose latest migration by a plan of an audit failed.
        rules: the operator's placement rules for every run; read at each run.
    """

    def __init__(
        self,
        models: ModelCollectors,
        metrics: Callable[[str], MetricSource],
        clock: Clock,
        freshness: Freshness | None = None,
        last_effect: Callable[[ModelKind], datetime | None] = lambda _: None,
        moves_since: Callable[[datetime], Sequence[ServerMove]] = lambda _: (),
        rules: RulesDocument | None = None,
        failed_moves: Callable[[UUID], Sequence[str]] = lambda _: (),
    ) -> None:
        self._models = models
        self._metrics = metrics
        self._clock = clock
        self._freshness = freshness or Freshness()
        self._last_effect = last_effect
        self._moves_since = moves_since
        self._rules = rules
        self._failed_moves = failed_moves

    def load(
        self, strategy: Strategy[P], parameters: P, scope: list[Any], audit: UUID
    ) -> CollectedInputs:
        """Returns the models and metrics that a strategy needs, within the scope of an audit.

        Raises:
            CloudUnreachable, CloudRefused: the cloud could not be read completely.
            ModelStale: likewise, and the collected model is too old.
            MetricsUnavailable: the datasource gave no usable response.
            InputsUnavailable: the scope is invalid or empty, the operator's rules cannot be used,
                or a kind of model is not collected.
        """
        required = strategy.requirements(parameters)
        needs, kinds = required.metrics, required.models
        compute_scope, storage_scope, baremetal_scope = _scopes(scope)
        compute, operator = self._compute(compute_scope)
        storage = baremetal = None
        if ModelKind.STORAGE in kinds:
            collector = _required(self._models.storage, ModelKind.STORAGE)
            storage = self._scoped(collector, storage_scope)
        if ModelKind.BAREMETAL in kinds:
            nodes = _required(self._models.baremetal, ModelKind.BAREMETAL)
            baremetal = self._scoped(nodes, baremetal_scope)
        source = self._metrics(strategy.name)
        fetched = source.fetch(
            [need for need in needs if need.resource in COMPUTE_RESOURCES], compute.model
        )
        others = _unmeasured(needs, storage, baremetal)
        return CollectedInputs(
            compute=compute,
            storage=storage,
            baremetal=baremetal,
            metrics=MetricTable({**fetched.table.values, **others}),
            moves=self._moves(compute.collected_at, required.recent_moves),
            failed_moves=tuple(self._failed_moves(audit)) if required.failed_moves else (),
            operator=operator,
            problems=(
                *compute.problems,
                *(storage.problems if storage else ()),
                *(baremetal.problems if baremetal else ()),
                *fetched.problems,
                *(_unknown(need, source.name) for need in others),
            ),
        )

    def _moves(self, at: datetime, seconds: float) -> tuple[ObservedMove, ...]:
        found = self._moves_since(at - timedelta(seconds=seconds))
        return tuple(
            ObservedMove(
                server=move.server,
                source=move.source,
                destination=move.destination,
                seconds_ago=max(0.0, (at - move.started_at).total_seconds()),
                finished=move.ended_at is not None,
            )
            for move in found
        )

    def _compute(self, scope: ComputeScope) -> tuple[CurrentModel[ComputeModel], OperatorRules]:
        """Returns the compute model reduced to the scope, and the operator's rules in force."""
        wanted = scope.rules | self._configured_rules()
        whole, doubts = self._fresh(self._models.compute)
        try:
            resolved = resolve_rules(wanted, whole.model)
        except AmbiguousName as ambiguous:
            raise InputsUnavailable(ambiguous.because) from ambiguous
        model, selection = scope.apply(whole.model, resolved.rules)
        notes = (*selection.notes, *resolved.notes)
        return _reduced(whole, model, doubts, notes), resolved.rules

    def _configured_rules(self) -> OperatorRules:
        if self._rules is None:
            return OperatorRules()
        try:
            return parse_rules("", self._rules.read())
        except (RulesUnreadable, InvalidValue) as wrong:
            because = Cause(RULES_FILE_INVALID, {"file": self._rules.name, "error": str(wrong)})
            raise InputsUnavailable(because) from wrong

    def _scoped(
        self, collector: ModelCollector[M], scope: _Scope[M, _Selection]
    ) -> CurrentModel[M]:
        """Returns a model reduced to the scope."""
        whole, doubts = self._fresh(collector)
        model, selection = scope.apply(whole.model)
        return _reduced(whole, model, doubts, selection.notes)

    def _fresh(self, collector: ModelCollector[M]) -> tuple[CurrentModel[M], tuple[Cause, ...]]:
        limit, effect_age = self._freshness.max_age, self._effect_age(collector.kind)
        try:
            return collector.within(limit, effect_age), ()
        except (CloudUnreachable, CloudRefused) as failure:
            old = collector.latest()
            if old is None or (isinstance(failure, CloudRefused) and failure.is_service_absent):
                raise
            because = _stale(collector.kind, old.age, min(limit, effect_age), failure)
            if self._freshness.allow_stale:
                return old, (because,)
            if isinstance(failure, CloudRefused):
                raise  # a retry will not give a younger model
            raise ModelStale(because) from failure

    def _effect_age(self, kind: ModelKind) -> float:
        """Seconds since Vigil's latest change of what a kind of model shows."""
        effect = self._last_effect(kind)
        if effect is None:
            return float("inf")
        return max(0.0, (self._clock.now() - effect).total_seconds())


def _unmeasured(
    needs: Iterable[MetricNeed],
    storage: CurrentModel[StorageModel] | None,
    baremetal: CurrentModel[BaremetalModel] | None,
) -> dict[MetricNeed, FloatArray]:
    """Columns of unknown values: no datasource measures pools, volumes or bare-metal nodes."""
    sizes = {
        "pool": 0 if storage is None else len(storage.model.pools),
        "volume": 0 if storage is None else len(storage.model.volumes),
        "node": 0 if baremetal is None else len(baremetal.model.nodes),
    }
    others = [need for need in needs if need.resource not in COMPUTE_RESOURCES]
    return {need: unknown_column(sizes[need.resource]) for need in others}


def _unknown(need: MetricNeed, source: str) -> Cause:
    return Cause(
        METRIC_UNKNOWN, {"metric": need.name, "resource": f"every {need.resource} in {source}"}
    )


def _scopes(scope: list[Any]) -> tuple[ComputeScope, StorageScope, BaremetalScope]:
    try:
        return parse_scope(scope), parse_storage_scope(scope), parse_baremetal_scope(scope)
    except InvalidValue as wrong:
        raise InputsUnavailable(Cause(SCOPE_INVALID, {"error": str(wrong)})) from wrong


def _reduced(
    whole: CurrentModel[M], model: M, doubts: tuple[Cause, ...], notes: tuple[Cause, ...]
) -> CurrentModel[M]:
    for note in notes:
        if note.reason in _EMPTY:
            raise InputsUnavailable(note)
    return replace(whole, model=model, problems=(*doubts, *whole.problems, *notes))


def _required(collector: ModelCollector[M] | None, kind: ModelKind) -> ModelCollector[M]:
    if collector is None:
        raise InputsUnavailable(Cause(MODEL_NOT_KEPT, {"kind": kind.value}))
    return collector


def _stale(kind: ModelKind, age: float, limit: float, failure: Exception) -> Cause:
    error = str(failure) if kind is ModelKind.COMPUTE else f"({kind} model) {failure}"
    return Cause(MODEL_STALE, {"age": round(age), "limit": round(limit), "error": error})


def last_effect(
    read: ReadModels, action_types: Mapping[str, ActionType], kind: ModelKind
) -> datetime | None:
    """The time of Vigil's own latest change (or intended change) of what a kind of model shows.

    None without one. Actions of a type that is not installed may have changed anything.
    """
    harmless = [name for name, one in action_types.items() if kind not in one.changes]
    return read.last_plan_event(EFFECTS, without=harmless)
