"""From the inputs of a decision to its record, and from its result to the proposed plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.ports.plugins import OptimizerOptions, Optimizers
from application.ports.records import RecordStore
from application.ports.strategy_runner import Computation
from application.records.decision import (
    FORMAT,
    CollectedInputs,
    DecisionExplanation,
    DecisionRecord,
    RunModel,
    encode,
)
from domain.audits import Audit
from domain.cluster.placement.policy import PlacementPolicy
from domain.optimization.context import MAX_STEPS, MigrationCost
from domain.optimization.scoring import EngineIdentity
from domain.optimization.strategy import Strategy
from domain.plans.proposal import Proposal


@dataclass(frozen=True)
class SearchSettings:
    """What strategies get besides the inputs of a run; recorded with each run.

    Attributes:
        steps: step budget.
        cost: of migrations.
        placement: policies and limits of placement, and rules besides those of the inputs.
    """

    steps: int = MAX_STEPS
    cost: MigrationCost = field(default_factory=MigrationCost)
    placement: PlacementPolicy = field(default_factory=PlacementPolicy)


@dataclass(frozen=True)
class DecisionRecorder:
    """Makes the records of decisions.

    Attributes:
        records: where they are stored.
        optimizers: the installed plug-ins.
        options: of these.
        search: recorded with each decision.
        code: version of Vigil.
    """

    records: RecordStore
    optimizers: Optimizers
    options: OptimizerOptions
    search: SearchSettings
    code: str

    def record(
        self,
        audit: Audit,
        run_id: UUID,
        strategy: Strategy[Any],
        parameters: Mapping[str, object],
        inputs: CollectedInputs,
        engines: tuple[EngineIdentity, ...] = (),
    ) -> DecisionRecord:
        """All inputs of a decision of an audit; the id of the run gives the random seed."""
        return DecisionRecord(
            format=FORMAT,
            code=self.code,
            goal=audit.goal,
            strategy=strategy.name,
            planner=strategy.planner,
            planner_options=_options(self.options.planners.get(strategy.planner)),
            strategy_options=_options(self.options.strategies.get(strategy.name)),
            parameters=dict(parameters),
            seed=run_id.int & 0xFFFFFFFF,
            collected_at=inputs.compute.collected_at,
            scope=audit.scope,
            model=inputs.compute.model.to_columns(),
            metrics=inputs.metrics.to_columns(),
            problems=list(inputs.problems),
            model_digest=inputs.compute.digest,
            model_age=round(inputs.compute.age, 3),
            storage=RunModel.of(inputs.storage),
            baremetal=RunModel.of(inputs.baremetal),
            placement=self.search.placement.with_rules(inputs.operator),
            moves=inputs.moves,
            failed_moves=inputs.failed_moves,
            cost=self.search.cost,
            steps=self.search.steps,
            engines=engines,
            plugins=self.optimizers.identities_of(strategy.name, strategy.planner),
        )

    def proposal(
        self,
        audit_id: UUID,
        run_id: UUID,
        record: DecisionRecord,
        digest: str,
        found: Computation,
    ) -> Proposal:
        """The plan of a decision, without efficacy; stores the explanation.

        Args:
            audit_id: the audit.
            run_id: the run.
            record: of the decision.
            digest: of that record.
            found: what the strategy and the planner made of it.
        """
        explanation = DecisionExplanation.of(digest, found)
        return Proposal(
            audit_id=audit_id,
            run_id=run_id,
            goal=record.goal,
            strategy=record.strategy,
            planner=record.planner,
            record=digest,
            explanation=self.records.put(encode(explanation)),
            actions=found.actions,
            notes=found.notes,
            targets=found.targets,
        )


def _options(options: object | None) -> dict[str, Any]:
    """The values of options; what makes return plans has none."""
    return {} if options is None else vars(options)
