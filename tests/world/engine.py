"""A decision engine and a scheduler on real databases, for a cloud that a test arranges."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.cluster_models.kinds import BAREMETAL, COMPUTE, STORAGE, CollectedKind, M
from application.commands.parameters import completed
from application.decision_engine.computation import DirectRunner
from application.decision_engine.decisions import SearchSettings
from application.decision_engine.engine import DecisionEngine, RunPolicy
from application.decision_engine.inputs import Freshness, InputLoader, last_effect
from application.kernel.retry import RetryPolicy
from application.ports.cloud import (
    ActionHandler,
    BaremetalCollector,
    CloudCollector,
    ComputeCollector,
    StorageCollector,
)
from application.ports.operator_rules import RulesDocument
from application.ports.plugins import OptimizerOptions, Optimizers
from application.ports.services import Instance
from application.ports.strategy_runner import StrategyRunner
from application.workers.scheduler import Scheduler, ScheduleSettings
from domain.audits import Audit, AuditType, RunCause
from domain.cluster.compute.model import ComputeModel
from domain.kernel.metadata import Context, Metadata, component
from domain.optimization.planner import Planner
from domain.optimization.strategy import Strategy
from infrastructure.cron import next_match
from infrastructure.event_log import SqlEventLog
from infrastructure.read_models import SqlCollectedModels, SqlServices
from tests.world.arranged import ArrangedCloud, ArrangedMetrics
from tests.world.plugins import OPTIMIZERS, PLANNERS, STRATEGIES
from tests.world.values import definition
from tests.world.world import CLOCK, TEST, World

AT_ONCE = RetryPolicy(first_pause=0.0, attempts=11)
"""Deferred runs are due again at once."""


class EngineWorld(World):
    """An engine and a scheduler that do a step when a test asks for it.

    Args:
        database: URL of the event log's database.
        log: the event log.
    """

    def __init__(self, database: str, log: SqlEventLog) -> None:
        super().__init__(database, log)
        self.services = SqlServices(
            self.views_engine, host="here", down_after=timedelta(seconds=30)
        )
        self.cloud = ArrangedCloud()
        self.storage: StorageCollector | None = None
        self.baremetal: BaremetalCollector | None = None
        self.collected = SqlCollectedModels(self.views_engine)
        self.freshness = Freshness(max_age=0.0)
        self.search = SearchSettings()
        self.options: OptimizerOptions | None = None
        self.metrics = ArrangedMetrics()
        self.rules: RulesDocument | None = None
        self.handlers: dict[str, ActionHandler] = {}
        self.strategies: dict[str, Strategy[Any]] = dict(STRATEGIES)
        self.planners: dict[str, Planner[Any]] = dict(PLANNERS)
        self.identities = OPTIMIZERS.identities
        self.runner: StrategyRunner | None = None
        self.scheduler = Scheduler(
            self.commands, self.reads, CLOCK, next_match, ScheduleSettings(expiry_check=0.0)
        )

    @property
    def optimizers(self) -> Optimizers:
        """The installed plug-ins, with the strategies and planners of this world."""
        return replace(
            OPTIMIZERS,
            strategies=self.strategies,
            planners=self.planners,
            identities=self.identities,
        )

    def engine(self, name: str = "one", policy: RunPolicy | None = None) -> DecisionEngine:
        """An engine under an instance of its own, which has sent one heartbeat."""
        instance = Instance(f"engine/{name}", "watcher-decision-engine", name, 1, "", "")
        self.services.beat(instance)
        return DecisionEngine(
            log=self.log,
            commands=self.commands,
            read=self.reads,
            records=self.records,
            services=self.services,
            inputs=InputLoader(
                self.collectors(f"engine/{name}"),
                lambda _: self.metrics,
                CLOCK,
                self.freshness,
                last_effect=partial(last_effect, self.reads, OPTIMIZERS.action_types),
                moves_since=self.reads.moves_since,
                failed_moves=self.reads.failed_moves,
                rules=self.rules,
            ),
            optimizers=self.optimizers,
            handlers=self.handlers,
            runner=self.runner or DirectRunner(self.optimizers),
            options=self.options or self.optimizers.default_options(),
            search=self.search,
            complete=lambda given, schema: completed(dict(schema), dict(given)),
            clock=CLOCK,
            instance=instance,
            code="test",
            policy=policy or RunPolicy(AT_ONCE, plan_wait=0.0),
        )

    def collector(
        self, name: str = "collector", cloud: ComputeCollector | None = None
    ) -> ModelCollector[ComputeModel]:
        """Collects the compute model of the arranged cloud (or of another view of it)."""
        return self.collector_of(COMPUTE, cloud or self.cloud, name)

    def collector_of(
        self, kind: CollectedKind[M], source: CloudCollector[Any], name: str = "collector"
    ) -> ModelCollector[M]:
        """Collects a model of any kind from a source."""
        return ModelCollector(
            kind,
            source,
            self.commands,
            self.records,
            self.collected,
            CLOCK,
            cloud="arranged",
            metadata=Metadata(component("collector", name)),
        )

    def collectors(self, name: str = "collector") -> ModelCollectors:
        """Collects every model that the arranged cloud has."""
        return ModelCollectors(
            self.collector(name),
            None if self.storage is None else self.collector_of(STORAGE, self.storage, name),
            None if self.baremetal is None else self.collector_of(BAREMETAL, self.baremetal, name),
        )

    def request(self, kind: AuditType = AuditType.ONESHOT, **changes: Any) -> UUID:
        """Requests an audit; a continuous one runs every hour."""
        interval = "3600" if kind is AuditType.CONTINUOUS else None
        wanted = definition(kind, **{"name": f"audit-{uuid4()}", "interval": interval, **changes})
        audit_id = uuid4()
        self.commands.run(TEST, lambda tx, ctx: tx.add(Audit.request(ctx, audit_id, wanted)))
        self.projector.catch_up()
        return audit_id

    def work(self, engine: DecisionEngine | None = None, rounds: int = 1) -> None:
        """Makes an engine process the runs it finds, in some rounds."""
        worker = engine or self.engine()
        for _ in range(rounds):
            for audit_id in worker.sweep():
                worker.process(audit_id)
            self.projector.catch_up()

    def tick(self) -> None:
        """Makes the scheduler look once."""
        self.projector.catch_up()
        self.scheduler.tick()
        self.projector.catch_up()


def reason(world: EngineWorld, audit: Any) -> str | None:
    """The code of what an audit says."""
    because = world.find_audit(audit).because
    return None if because is None else because.reason


def request_run(audit: Audit, ctx: Context, due: datetime) -> None:
    """Requests a run that is due."""
    audit.request_run(ctx, due, RunCause.SCHEDULE)


def topics(world: EngineWorld, aggregate: Any) -> list[str]:
    """The topics of the events of an aggregate."""
    return [entry.topic for entry in world.log.history(aggregate)]


@pytest.fixture
def world(event_database: str, event_log: SqlEventLog) -> Iterator[EngineWorld]:
    """A decision engine on SQLite and on PostgreSQL."""
    with EngineWorld(event_database, event_log) as opened:
        yield opened
