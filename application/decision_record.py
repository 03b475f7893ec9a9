"""The immutable record of what a strategy was given, and of what it decided and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from domain.cluster.compute import ComputeModel
from domain.kernel.aggregate import Facts
from domain.kernel.reasons import Because
from domain.optimization.metrics import MetricTable
from domain.optimization.solution import PlannedAction, Rejection
from domain.optimization.strategy import Inputs

FORMAT = 1
"""Version of the record's own shape."""


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
    """

    format: int
    code: str
    goal: str
    strategy: str
    planner: str
    planner_options: Facts
    parameters: Facts
    seed: int
    collected_at: datetime
    scope: list[Any]
    model: Facts
    metrics: Facts
    problems: list[Because]
    model_digest: str = ""
    model_age: float = 0.0

    def inputs(self) -> Inputs:
        """The strategy's inputs, exactly as they were."""
        model = ComputeModel.from_columns(self.model)
        return Inputs(
            compute=model,
            metrics=MetricTable.from_columns(self.metrics),
            parameters=self.parameters,
            seed=self.seed,
        )


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
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
    notes: list[Because]
    indicators: dict[str, float]


def encode(record: DecisionRecord | Explanation) -> bytes:
    """Canonical bytes: the same record always has the same digest."""
    return msgspec.json.encode(record, order="sorted")


def decode_record(content: bytes) -> DecisionRecord:
    """A decision record from its bytes."""
    return msgspec.json.decode(content, type=DecisionRecord)


def decode_explanation(content: bytes) -> Explanation:
    """An explanation from its bytes."""
    return msgspec.json.decode(content, type=Explanation)


@dataclass(frozen=True)
class Gathered:
    """What was gathered for a run, before the strategy saw it.

    Attributes:
        model: the part in scope.
        problems: what was quarantined or missing.
        collected_at: when the cloud was read (UTC).
        digest: of the model of the whole cloud.
        age: how old that was when it was taken, s.
    """

    model: ComputeModel
    metrics: MetricTable
    problems: Sequence[Because]
    collected_at: datetime
    digest: str = ""
    age: float = 0.0


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
    gathered: Gathered,
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
        collected_at=gathered.collected_at,
        scope=scope,
        model=gathered.model.to_columns(),
        metrics=gathered.metrics.to_columns(),
        problems=list(gathered.problems),
        model_digest=gathered.digest,
        model_age=round(gathered.age, 3),
    )
