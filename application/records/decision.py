"""The immutable record of what a strategy was given, and of what it decided and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from application.cluster_models.kinds import M
from application.cluster_models.record import CurrentModel
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.model import StorageModel
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import MetricTable
from domain.optimization.solution import Rejection
from domain.optimization.strategy import StrategyInputs
from domain.plans.proposal import PlannedAction

FORMAT = 1
"""Version of the record's own shape."""


class RunModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a run used beside the compute model.

    Attributes:
        columns: (``to_columns``) of what the strategy saw, scope applied.
        digest: of the kept model of the whole cloud that the scope was applied to.
        age: how old that model was when the run took it, s.
        collected_at: when the cloud was read (UTC).
    """

    columns: JsonObject
    digest: str
    age: float
    collected_at: datetime


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to decide again.

    Attributes:
        format: version of this shape.
        code: version of Vigil that decided.
        goal, strategy, planner: registered names.
        planner_options: what the planner was set to.
        collected_at: when the cloud was read (UTC).
        scope: the audit's scope, as it was evaluated.
        model, metrics: columns (``to_columns``) of what the strategy saw, scope applied.
        problems: what was quarantined or missing while gathering.
        model_digest: of the kept model of the whole cloud that the scope was applied to.
        model_age: how old that model was when the run took it, s.
        storage, baremetal: the models of these kinds, None where the strategy needed none.
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
    model_digest: str = ""
    model_age: float = 0.0
    storage: RunModel | None = None
    baremetal: RunModel | None = None

    def inputs(self) -> StrategyInputs:
        """The strategy's inputs, exactly as they were."""
        return StrategyInputs(
            compute=ComputeModel.from_columns(self.model),
            metrics=MetricTable.from_columns(self.metrics),
            parameters=self.parameters,
            seed=self.seed,
            storage=_read(StorageModel.from_columns, self.storage),
            baremetal=_read(BaremetalModel.from_columns, self.baremetal),
        )


def _read(read: Callable[[JsonObject], M], taken: RunModel | None) -> M | None:
    return None if taken is None else read(taken.columns)


class DecisionExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided and why.

    Attributes:
        record: digest of the inputs.
        actions: every planned action with its reason, in plan order.
        rejections: what was considered and not done.
        notes: remarks on the whole.
    """

    format: int
    record: str
    actions: list[PlannedAction]
    rejections: list[Rejection]
    notes: list[Cause]
    indicators: dict[str, float]


def encode(record: DecisionRecord | DecisionExplanation) -> bytes:
    """Canonical bytes: the same record always has the same digest."""
    return msgspec.json.encode(record, order="sorted")


def decode_record(content: bytes) -> DecisionRecord:
    """A decision record from its bytes."""
    return msgspec.json.decode(content, type=DecisionRecord)


def decode_explanation(content: bytes) -> DecisionExplanation:
    """An explanation from its bytes."""
    return msgspec.json.decode(content, type=DecisionExplanation)


@dataclass(frozen=True)
class CollectedInputs:
    """What was gathered for a run, before the strategy saw it.

    Attributes:
        storage, baremetal: None unless the strategy needs them.
        problems: what was quarantined or missing.
    """

    compute: CurrentModel[ComputeModel]
    metrics: MetricTable
    problems: Sequence[Cause]
    storage: CurrentModel[StorageModel] | None = None
    baremetal: CurrentModel[BaremetalModel] | None = None


def make_record(  # noqa: PLR0913 - the parts of a record
    *,
    code: str,
    goal: str,
    strategy: str,
    planner: str,
    planner_options: Mapping[str, object],
    parameters: Mapping[str, object],
    seed: int,
    scope: list[Any],
    inputs: CollectedInputs,
) -> DecisionRecord:
    """A record of the current format."""
    return DecisionRecord(
        format=FORMAT,
        code=code,
        goal=goal,
        strategy=strategy,
        planner=planner,
        planner_options=dict(planner_options),
        parameters=dict(parameters),
        seed=seed,
        collected_at=inputs.compute.collected_at,
        scope=scope,
        model=inputs.compute.model.to_columns(),
        metrics=inputs.metrics.to_columns(),
        problems=list(inputs.problems),
        model_digest=inputs.compute.digest,
        model_age=round(inputs.compute.age, 3),
        storage=_recorded(inputs.storage),
        baremetal=_recorded(inputs.baremetal),
    )


def _recorded(used: CurrentModel[M] | None) -> RunModel | None:
    if used is None:
        return None
    return RunModel(
        columns=used.model.to_columns(),
        digest=used.digest,
        age=round(used.age, 3),
        collected_at=used.collected_at,
    )
