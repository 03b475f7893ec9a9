"""Decision records as they are stored."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from application.commands.parameters import completed
from application.decision_engine.computation import compute
from application.kernel.typed_values import typed
from application.ports.event_log import EventLog
from application.ports.records import RecordStore
from application.ports.strategy_runner import ComputationFailed
from application.records.decision import (
    FORMAT,
    DecisionExplanation,
    DecisionRecord,
    RunModel,
    decode_record,
    encode,
)
from application.simulation.offline import metric_table
from domain.audits import Audit
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.cluster_file import ClusterFile, read_cluster
from domain.cluster.formats.portable import Values
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.scope.baremetal import parse_baremetal_scope
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.operator_rules import parse_rules, resolve_rules
from domain.cluster.scope.storage import parse_storage_scope
from domain.optimization.context import ObservedMove
from domain.optimization.goals import global_efficacy
from domain.optimization.scoring import EngineIdentity
from domain.optimization.strategy import Strategy
from domain.plans import ActionPlan, Proposal
from tests.given import context
from tests.world.plugins import OPTIMIZERS, STRATEGIES
from tests.world.values import definition, host, server
from vigil.testing import Scenario

AUDITS = UUID(int=0xA0D175)
NO_METRICS: Values = {}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def small_cluster() -> ClusterFile:
    """Two hosts with a server each."""
    rows = [host("a"), host("b")], [server("1", "a"), server("2", "b")]
    model, _ = ComputeModel.build(*rows, (), ())
    return ClusterFile(model, (), NO_METRICS, {})


def decision_record(
    strategy: Strategy[Any],
    cluster: ClusterFile | None = None,
    parameters: dict[str, Any] | None = None,
    engines: tuple[EngineIdentity, ...] = (),
) -> bytes:
    """The record of a run on a cluster; by default a small one."""
    cluster = cluster or small_cluster()
    required = strategy.requirements(strategy.parameters())
    metrics = metric_table(cluster.model, cluster.metrics, required)
    return encode(
        DecisionRecord(
            format=FORMAT,
            code="test",
            goal=strategy.goal,
            strategy=strategy.name,
            planner=strategy.planner,
            planner_options={},
            parameters=parameters or {},
            seed=7,
            collected_at=AT,
            scope=[],
            model=cluster.model.to_columns(),
            metrics=metrics.to_columns(),
            problems=[],
            engines=engines,
        )
    )


def scenario_record(scenario: Scenario) -> bytes:
    """The decision record of a run with the inputs of a scenario folder."""
    audit = json.loads((scenario.folder / "audit.json").read_text())
    cluster = read_cluster(json.loads((scenario.folder / "cluster.json").read_text()))
    return cluster_record(
        audit["strategy"],
        cluster,
        audit.get("parameters", {}),
        scope=audit.get("scope", []),
        rules=audit.get("rules"),
        seed=audit.get("seed", 0),
        moves=tuple(ObservedMove(**move) for move in audit.get("moves", ())),
    )


def cluster_record(
    name: str,
    cluster: ClusterFile,
    parameters: dict[str, Any],
    *,
    scope: list[Any] | None = None,
    rules: dict[str, Any] | None = None,
    seed: int = 0,
    moves: tuple[ObservedMove, ...] = (),
) -> bytes:
    """The decision record of a run of an installed strategy, with all that it may need.

    Args:
        name: of the strategy.
        cluster: its models and metrics.
        parameters: of the audit.
        scope: of the audit.
        rules: operator rules besides those of the scope.
        seed: random seed.
        moves: of servers, while the run decides.
    """
    strategy, options = STRATEGIES[name], OPTIMIZERS.default_options()
    given = completed(strategy.parameters_schema, parameters)
    required = strategy.requirements(typed(given, strategy.parameters))
    wanted = parse_scope(scope or [])
    written = wanted.rules if rules is None else wanted.rules | parse_rules("", rules)
    resolved = resolve_rules(written, cluster.model)
    model, _ = wanted.apply(cluster.model, resolved.rules)
    return encode(
        DecisionRecord(
            format=FORMAT,
            code="test",
            goal=strategy.goal,
            strategy=strategy.name,
            planner=strategy.planner,
            planner_options=vars(options.planners[strategy.planner]),
            strategy_options=vars(options.strategies[strategy.name]),
            parameters=given,
            seed=seed,
            collected_at=AT,
            scope=scope or [],
            model=model.to_columns(),
            metrics=metric_table(model, cluster.metrics, required).to_columns(),
            problems=[],
            storage=_used(cluster.storage, parse_storage_scope(scope or [])),
            baremetal=_used(cluster.baremetal, parse_baremetal_scope(scope or [])),
            placement=PlacementPolicy().with_rules(resolved.rules),
            moves=moves,
            engines=tuple(OPTIMIZERS.engines[name].identity for name in required.engines),
            plugins=OPTIMIZERS.identities_of(strategy.name, strategy.planner),
        )
    )


def _used(model: Any, scope: Any) -> RunModel | None:
    if model is None:
        return None
    return RunModel(columns=scope.apply(model)[0].to_columns(), digest="", age=0, collected_at=AT)


def publish(
    log: EventLog, records: RecordStore, content: bytes, name: str = "audit"
) -> ActionPlan | None:
    """Appends an audit with a run: the plan that a decision record leads to, or its failure."""
    record, digest = decode_record(content), records.put(content)
    wanted = definition(name=name, goal=record.goal, strategy=record.strategy)
    audit = Audit.request(context(), uuid5(AUDITS, name), wanted)
    assert audit.run is not None
    run, epoch = audit.run.id, audit.claim_run(context(1), audit.run.id, "engine/a", "host-a")
    audit.record_inputs(context(2), run, epoch, digest=digest, strategy=record.strategy)
    try:
        found = compute(record, OPTIMIZERS)
    except ComputationFailed as failed:
        audit.fail_run(context(3), run, epoch, failed.because)
        log.save(audit)
        return None
    goal = OPTIMIZERS.goals[record.goal]
    plan = ActionPlan.propose(
        context(3),
        Proposal(
            audit.id,
            run,
            record.goal,
            record.strategy,
            record.planner,
            digest,
            records.put(encode(DecisionExplanation.of(digest, found))),
            found.actions,
            global_efficacy=global_efficacy(goal, found.indicators),
            notes=found.notes,
        ),
    )
    audit.succeed_run(context(3), run, epoch, plan.id)
    log.save(audit, plan)
    return plan
