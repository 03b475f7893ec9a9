"""The immutable records of a decision: the inputs of the strategy, and the explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, cast

import msgspec

from application.cluster_models.record import CurrentModel
from application.kernel.typed_values import typed
from application.ports.plugins import PluginIdentity
from application.ports.strategy_runner import Computation
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricTable
from domain.optimization.context import (
    MAX_STEPS,
    MigrationCost,
    ObservedMove,
    P,
    StepBudget,
    StrategyContext,
)
from domain.optimization.scoring import EngineIdentity, ScoringEngine
from domain.optimization.solution import Rejection
from domain.optimization.strategy import Strategy
from domain.plans.proposal import PlannedAction

NO_ENGINES: Mapping[str, ScoringEngine] = {}
FORMAT = 1
"""Version of the format of both records."""


class RunModel(msgspec.Struct, frozen=True, kw_only=True):
    """A storage or bare-metal model that a run used.

    Attributes:
        columns: (``to_columns``) of the model within the scope.
        digest: of the model of the whole cloud.
        age: of that model when the run read it, s.
        collected_at: when the cloud was read (UTC).
    """

    columns: JsonObject
    digest: str
    age: float
    collected_at: datetime

    @classmethod
    def of(cls, used: CurrentModel[Any] | None) -> Self | None:
        """Converts a model, if there is one."""
        if used is None:
            return None
        columns = used.model.to_columns()
        return cls(
            columns=columns,
            digest=used.digest,
            age=round(used.age, 3),
            collected_at=used.collected_at,
        )


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All inputs of a decision; they are enough to repeat it.

    Attributes:
        format: version of the format.
        code: version of Vigil.
        goal, strategy, planner: registered names.
        planner_options, strategy_options: options in force, with their defaults.
        collected_at: when the cloud was read (UTC).
        scope: of the audit.
        model, metrics: columns (``to_columns``) of the compute model within the scope, and of the
            metrics.
        problems: items that were quarantined or missing.
        model_digest: of the compute model of the whole cloud.
        model_age: of that model when the run read it, s.
        storage, baremetal: None if the strategy needs no such model.
        placement, moves, start, cost: see ``StrategyContext``; effective values.
        steps: the strategy's step budget.
        engines: the scoring engines that the strategy needs; those of the same names have to be
            the same.
        plugins: the strategy and the planner; none in records of the first versions.
        failed_moves: see ``StrategyContext``.
    """

    format: int
    code: str
    goal: str
    strategy: str
    planner: str
    planner_options: JsonObject
    parameters: JsonObject
    seed: int
    collected_at: datetime
    scope: list[Any]
    model: JsonObject
    metrics: JsonObject
    problems: list[Cause]
    strategy_options: JsonObject = msgspec.field(default_factory=dict)
    model_digest: str = ""
    model_age: float = 0.0
    storage: RunModel | None = None
    baremetal: RunModel | None = None
    placement: PlacementPolicy = msgspec.field(default_factory=PlacementPolicy)
    moves: tuple[ObservedMove, ...] = ()
    start: list[LoggedStep] = msgspec.field(default_factory=list)
    cost: MigrationCost = msgspec.field(default_factory=MigrationCost)
    steps: int = MAX_STEPS
    engines: tuple[EngineIdentity, ...] = ()
    plugins: tuple[PluginIdentity, ...] = ()
    failed_moves: tuple[str, ...] = ()

    def context(
        self, strategy: Strategy[P], engines: Mapping[str, ScoringEngine] = NO_ENGINES
    ) -> StrategyContext[P]:
        """What the strategy gets.

        Args:
            strategy: the strategy of the record.
            engines: the installed scoring engines, with those of the record.

        Raises:
            InvalidValue: a parameter has a type that the strategy does not accept.
        """
        storage, baremetal = self.storage, self.baremetal
        return StrategyContext(
            parameters=typed(self.parameters, strategy.parameters),
            options=typed(self.strategy_options, strategy.options),
            compute=ComputeModel.from_columns(self.model),
            storage=StorageModel.from_columns(storage.columns) if storage else None,
            baremetal=BaremetalModel.from_columns(baremetal.columns) if baremetal else None,
            metrics=MetricTable.from_columns(self.metrics),
            seed=self.seed,
            at=self.collected_at,
            placement=self.placement,
            moves=self.moves,
            start=self.start,
            cost=self.cost,
            engines={one.name: engines[one.name] for one in self.engines},
            budget=StepBudget(self.steps),
            failed_moves=self.failed_moves,
        )


class DecisionExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a decision, and its reasons.

    Attributes:
        record: digest of the decision record.
        actions: every planned action with its reason, in plan order.
        rejections: the first alternatives that were considered and rejected.
        rejection_count: number of all of them; 0 in records of the first versions.
        notes: remarks on the result.
    """

    format: int
    record: str
    actions: list[PlannedAction]
    rejections: list[Rejection]
    notes: list[Cause]
    indicators: dict[str, float]
    rejection_count: int = 0

    @classmethod
    def of(cls, record: str, found: Computation) -> Self:
        """The explanation of a computation.

        Args:
            record: digest of the decision record.
            found: the result of its strategy and planner.
        """
        return cls(
            format=FORMAT,
            record=record,
            actions=list(found.actions),
            rejections=list(found.rejections),
            rejection_count=found.rejection_count,
            notes=list(found.notes),
            indicators=dict(found.indicators),
        )


def encode(record: DecisionRecord | DecisionExplanation) -> bytes:
    """Encodes a record canonically: equal records have equal digests.

    The keys of the parameters keep the order in which the user gave them: it may have a meaning
    (``priority`` of zone_migration).
    """
    if isinstance(record, DecisionRecord):
        given = msgspec.Raw(msgspec.json.encode(record.parameters))
        record = msgspec.structs.replace(record, parameters=cast("JsonObject", given))
    return msgspec.json.encode(record, order="sorted")


def decode_record(content: bytes) -> DecisionRecord:
    """Decodes a decision record."""
    return msgspec.json.decode(content, type=DecisionRecord)


def decode_explanation(content: bytes) -> DecisionExplanation:
    """Decodes an explanation."""
    return msgspec.json.decode(content, type=DecisionExplanation)


@dataclass(frozen=True)
class CollectedInputs:
    """The models and metrics of a run.

    Attributes:
        storage, baremetal: None unless the strategy needs them.
        problems: items that were quarantined or missing.
        moves: Vigil's own moves, in flight and recent.
        failed_moves: servers whose latest migration by a plan of the audit failed.
        operator: the operator's placement rules of the scope and of the configuration, resolved.
    """

    compute: CurrentModel[ComputeModel]
    metrics: MetricTable
    problems: Sequence[Cause]
    operator: OperatorRules = field(default_factory=OperatorRules)
    moves: tuple[ObservedMove, ...] = ()
    failed_moves: tuple[str, ...] = ()
    storage: CurrentModel[StorageModel] | None = None
    baremetal: CurrentModel[BaremetalModel] | None = None
