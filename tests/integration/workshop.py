"""A decision engine in a real log and real read models, with a cloud that a test can arrange."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.cluster_models.kinds import (
    BAREMETAL,
    COMPUTE,
    STORAGE,
    CollectedKind,
    M,
)
from application.commands.parameters import completed
from application.decision_engine.engine import DecisionEngine, RunPolicy
from application.decision_engine.inputs import Freshness, InputLoader, last_effect
from application.kernel.retry import RetryPolicy
from application.kernel.unit_of_work import Commands
from application.ports.cloud import (
    BaremetalCollector,
    CloudCollector,
    ComputeCollector,
    ComputeRows,
    StorageCollector,
)
from application.ports.event_log import EventLog, RecordedEvent
from application.ports.metrics import Fetched, MetricCheck
from application.ports.services import Instance
from application.projections import Projector, all_projections
from application.workers.scheduler import Scheduler, ScheduleSettings
from domain.audits import Audit, AuditDefinition, AuditType
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.kernel.metadata import Metadata, component
from domain.metrics.catalogue import MetricNeed, MetricTable
from domain.optimization import PLANNERS, STRATEGIES
from domain.optimization.strategy import Strategy
from domain.plans import ActionPlan
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import open_records
from infrastructure.read_models import (
    SqlCollectedModels,
    SqlProjectionStore,
    SqlReadModels,
    SqlServices,
    open_engine,
    upgrade,
    views_url,
)

TEST = Metadata(component("test"))
CLOCK = SystemClock()
AT_ONCE = RetryPolicy(first_pause=0.0, attempts=11)
"""Deferred runs are due again at once."""


def host(name: str, **changes: Any) -> HostRow:
    """A host of 16 cores and 64 GiB."""
    return HostRow(
        id=f"id-{name}",
        name=name,
        **{"zone": "z", "vcpus": 16, "memory_mb": 65536, "disk_gb": 1000, **changes},
    )


def server(name: str, on: str, **changes: Any) -> ServerRow:
    """A running server of 2 vCPUs and 4 GiB."""
    fields: dict[str, Any] = {
        "vcpus": 2,
        "memory_mb": 4096,
        "disk_gb": 20,
        "state": "active",
        "status": "ACTIVE",
        "project_id": "p",
        "flavor": "small",
    }
    return ServerRow(id=f"id-{name}", name=name, host=on, **{**fields, **changes})


class ArrangedCloud:
    """A collector that answers with what a test arranged, after the surprises it arranged."""

    def __init__(self) -> None:
        self.hosts: list[HostRow] = [host("a"), host("b"), host("c")]
        self.servers: list[ServerRow] = [
            server("1", "a"),
            server("2", "a"),
            server("3", "b"),
            server("4", "c"),
        ]
        self.surprises: list[Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def collect(self) -> ComputeRows:
        if self.surprises:
            raise self.surprises.pop(0)
        self.meanwhile()
        return ComputeRows(self.hosts, self.servers, (), ())


class ArrangedMetrics:
    """A datasource that knows nothing, after the surprises a test arranged."""

    name = "arranged"

    def __init__(self) -> None:
        self.surprises: list[Exception] = []

    def supports(self, needs: Sequence[MetricNeed]) -> Mapping[str, bool]:
        return {need.name: True for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        if self.surprises:
            raise self.surprises.pop(0)
        return Fetched(MetricTable.from_values(model, {need: {} for need in needs}), (), 0)

    def preflight(
        self, needs: Sequence[MetricNeed], model: ComputeModel
    ) -> tuple[MetricCheck, ...]:
        return ()


class Workshop:
    """An engine and a scheduler that work when told to."""

    def __init__(self, database: str, log: EventLog) -> None:
        self.log = log
        views = views_url(database)
        upgrade(views)
        self.engine_of_views = open_engine(views)
        self.read = SqlReadModels(self.engine_of_views, CLOCK, log.end)
        self.records = open_records(database)
        self.services = SqlServices(
            self.engine_of_views, host="here", down_after=timedelta(seconds=30)
        )
        self.commands = Commands(log, CLOCK)
        self.projector = Projector(
            log, SqlProjectionStore(self.engine_of_views), all_projections(next_match), CLOCK
        )
        self.cloud = ArrangedCloud()
        self.storage: StorageCollector | None = None
        self.baremetal: BaremetalCollector | None = None
        self.collected = SqlCollectedModels(self.engine_of_views)
        self.freshness = Freshness(max_age=0.0)
        self.metrics = ArrangedMetrics()
        self.strategies: dict[str, Strategy] = dict(STRATEGIES)
        self.scheduler = Scheduler(
            self.commands, self.read, CLOCK, next_match, ScheduleSettings(expiry_check=0.0)
        )

    def close(self) -> None:
        self.records.close()
        self.engine_of_views.dispose()

    def engine(self, name: str = "one", policy: RunPolicy | None = None) -> DecisionEngine:
        """An engine under an instance of its own, which has beaten once."""
        me = Instance(f"engine/{name}", "watcher-decision-engine", name, 1, "", "")
        self.services.beat(me)
        return DecisionEngine(
            log=self.log,
            commands=self.commands,
            read=self.read,
            records=self.records,
            services=self.services,
            inputs=InputLoader(
                self.collectors(f"engine/{name}"),
                lambda _: self.metrics,
                CLOCK,
                self.freshness,
                last_effect=partial(last_effect, self.read),
            ),
            strategies=self.strategies,
            planners={key: make(None, None) for key, make in PLANNERS.items()},
            planner_options={},
            complete=lambda given, schema: completed(dict(schema), dict(given)),
            clock=CLOCK,
            instance=me,
            code="test",
            policy=policy or RunPolicy(AT_ONCE, plan_wait=0.0),
        )

    def collector(
        self, name: str = "collector", cloud: ComputeCollector | None = None
    ) -> ModelCollector[ComputeModel]:
        """Keeps the model of the arranged cloud (or of another view of it)."""
        return self.collector_of(COMPUTE, cloud or self.cloud, name)

    def collector_of(
        self, kind: CollectedKind[M], source: CloudCollector[Any], name: str = "collector"
    ) -> ModelCollector[M]:
        """Keeps a model of any kind of the arranged cloud."""
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
        """Keeps what there is of the arranged cloud."""
        return ModelCollectors(
            self.collector(name),
            None if self.storage is None else self.collector_of(STORAGE, self.storage, name),
            None if self.baremetal is None else self.collector_of(BAREMETAL, self.baremetal, name),
        )

    def request(self, kind: AuditType = AuditType.ONESHOT, **changes: Any) -> UUID:
        """Requests an audit."""
        fields: dict[str, Any] = {
            "name": f"audit-{uuid4()}",
            "audit_type": kind,
            "goal": "server_consolidation",
            "strategy": None,
            "parameters": {},
            "scope": [],
            "interval": "3600" if kind is AuditType.CONTINUOUS else None,
            **changes,
        }
        audit_id = uuid4()
        self.commands.run(
            TEST, lambda tx, ctx: tx.add(Audit.request(ctx, audit_id, AuditDefinition(**fields)))
        )
        self.projector.catch_up()
        return audit_id

    def work(self, engine: DecisionEngine | None = None, rounds: int = 1) -> None:
        """Lets an engine do what it finds, some times over."""
        worker = engine or self.engine()
        for _ in range(rounds):
            for audit_id in worker.sweep():
                worker.process(audit_id)
            self.projector.catch_up()

    def tick(self) -> None:
        """Lets the scheduler look once."""
        self.projector.catch_up()
        self.scheduler.tick()
        self.projector.catch_up()

    def audit(self, audit_id: UUID) -> Audit:
        found = self.log.find(Audit, audit_id)
        assert found is not None
        return found

    def plans(self, audit_id: UUID) -> list[ActionPlan]:
        """The plans of an audit, oldest first."""
        plans = [
            self.log.find(ActionPlan, entry.aggregate_id)
            for entry in self.log.read(0, 10_000)
            if isinstance(entry, RecordedEvent) and entry.topic == "plan.proposed"
        ]
        return [plan for plan in plans if plan is not None and plan.audit_id == audit_id]

    def change_plan(self, plan: UUID, change: Callable[[ActionPlan, Any], object]) -> None:
        """Does something to a plan."""
        self.commands.run(TEST, lambda tx, ctx: change(tx.get(ActionPlan, plan), ctx))
        self.projector.catch_up()

    def change_audit(self, audit_id: UUID, change: Callable[[Audit, Any], object]) -> None:
        """Does something to an audit."""
        self.commands.run(TEST, lambda tx, ctx: change(tx.get(Audit, audit_id), ctx))
        self.projector.catch_up()
