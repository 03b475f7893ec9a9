"""The REST API in this process, on databases of its own, with a projector in a thread."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import falcon.testing

from application.cluster_models.query import ClusterModels
from application.commands.catalogue import synchronise
from application.commands.parameters import completed
from application.commands.requested_actions import RequestedActions
from application.decision_engine.computation import DirectRunner
from application.kernel.errors import Unavailable
from application.kernel.unit_of_work import CommandResult
from application.ports.read_models import ActionPlanView, ReadModels, StrategyView
from application.ports.services import Instance
from application.queries.estimates import PlanEstimates
from application.queries.overview import InstallationInfo
from application.queries.overview_query import OverviewQuery
from application.records.decision import encode
from application.replay.cluster_past import ClusterPast
from application.replay.cluster_views import ClusterViews
from application.replay.verification import Verifier
from application.replay.whatif import Forker
from domain.audits import Audit
from domain.catalogue import PluginDefinition
from domain.cluster.kinds import ModelKind
from domain.kernel.ids import run_id
from domain.kernel.metadata import Context
from domain.plans import ActionPlan
from domain.plans.estimate import Estimate, ExecutionLimits
from domain.reservations import NameReservation
from infrastructure.clock import RandomIds
from infrastructure.cron import next_match
from infrastructure.read_models import (
    SqlCollectedModels,
    SqlCounterBoard,
    SqlPoisonBoard,
    SqlProgressBoard,
    SqlTransportPositions,
)
from interfaces.rest.app import create_app
from interfaces.rest.auth import NoAuth
from interfaces.rest.services import RestServices, RestSettings, StrategyState
from tests.integration.rest import described
from tests.world.decisions import decision_record, publish
from tests.world.histories import bring_audit, bring_plan
from tests.world.plugins import ACTION_TYPES, OPTIMIZERS
from tests.world.plugins import STRATEGIES as INSTALLED
from tests.world.values import RESULTS, explanation, installation, migrations, plugins, proposal
from tests.world.world import CLOCK, TEST, World

DUMMY_SPEC: dict[str, Any] = {
    "properties": {
        "para1": {"type": "number", "default": 3.2, "minimum": 1.0, "maximum": 10.2},
        "para2": {"type": "string", "default": "hello"},
    }
}
ACTUATOR_SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "actions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "action_type": {"type": "string"},
                    "resource_id": {"type": "string"},
                    "input_parameters": {"type": "object"},
                },
                "required": ["action_type", "input_parameters"],
            },
        }
    },
    "required": ["actions"],
}
GOALS = ("dummy", "server_consolidation", "unclassified")
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "dummy": ("dummy", DUMMY_SPEC),
    "dummy_with_scorer": ("dummy", DUMMY_SPEC),
    "basic": ("server_consolidation", {}),
    "actuator": ("unclassified", ACTUATOR_SPEC),
}
SCORERS = ("dummy_scorer", "dummy_avg_scorer")


def installed() -> list[PluginDefinition]:
    """The plug-ins that the API's catalogue has."""
    types = [ACTION_TYPES[name] for name in ("nop", "sleep", "stop")]
    return plugins(
        GOALS, STRATEGIES, scorers=SCORERS, metainfo='{"columns": []}', action_types=types
    )


def strategy_state(strategy: StrategyView) -> StrategyState:
    """The prerequisites of a strategy that are met."""
    if strategy.name == "dummy":
        return StrategyState(None, available=True, metrics={}, models={"compute_model": True})
    if strategy.name == "actuator":
        return StrategyState(
            "none",
            available=False,
            metrics={"instance_cpu_usage": False},
            models={},
            mandatory=False,
            comment="No datasource is configured: runs use allocations only.",
        )
    return StrategyState(
        "prometheus",
        available=True,
        metrics={"host_cpu_usage": True, "instance_cpu_usage": False},
        models={"compute_model": True},
    )


FILLED = (
    *("quarantine", "service_instances", "services", "progress", "model_confirmations"),
    "poisoned_messages",
    "counters",
)
FOLDED = (
    *("audit_templates", "audits", "action_plans", "actions"),
    *("cluster_models", "cluster_model_versions"),
)


class ArrangedModel:
    """The data model that the API answers with; None = none was collected."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, Any]] | None = None
        self.asked: list[UUID | None] = []
        self.moments: list[int | datetime | None] = []

    def reset(self) -> None:
        """Forgets what a test arranged and asked."""
        self.rows = None
        self.asked.clear()
        self.moments.clear()

    def __call__(self, audit: UUID | None, at: int | datetime | None) -> list[Mapping[str, Any]]:
        self.asked.append(audit)
        self.moments.append(at)
        if self.rows is None:
            raise Unavailable("No compute model was collected yet.")
        return self.rows


def rest_services(
    world: World,
    model: ArrangedModel,
    settings: RestSettings | None = None,
    close: Callable[[], None] = lambda: None,
) -> RestServices:
    """What the REST application needs, on a world's databases."""
    models = ClusterModels(
        SqlCollectedModels(world.views_engine),
        world.records,
        world.reads,
        cloud=None,
        stale_after={ModelKind.COMPUTE: 3600.0},
    )
    past = ClusterPast(world.log, world.reads, models, ACTION_TYPES)
    estimates = PlanEstimates(
        world.log,
        world.reads,
        SqlProgressBoard(world.views_engine),
        CLOCK,
        lambda _: ExecutionLimits(8),
        rate=500e6,
        overhead=5.0,
    )
    return RestServices(
        commands=world.commands,
        reads=world.reads,
        history=world.log,
        records=world.records,
        services=world.services,
        counters=SqlCounterBoard(world.views_engine),
        transports=SqlTransportPositions(world.views_engine),
        authorizer=NoAuth(),
        cron=next_match,
        clock=CLOCK,
        ids=RandomIds(),
        requested=RequestedActions(INSTALLED, world.reads),
        estimates=estimates,
        strategy_state=strategy_state,
        data_model=model,
        overview=OverviewQuery(
            plans=Plans(world.reads, SqlProgressBoard(world.views_engine), estimates),
            log=world.log,
            services=world.services,
            poison=SqlPoisonBoard(world.views_engine),
            models=models,
            where=lambda: (InstallationInfo("2.0", world.url), ()),
            cron=next_match,
            clock=CLOCK,
        ),
        cluster=ClusterViews(world.log, world.reads, CLOCK, models, past, ACTION_TYPES),
        decisions=Decisions(world),
        settings=settings or RestSettings(),
        check_writable=world.log.check_writable,
        close=close,
    )


@dataclass(frozen=True)
class Plans:
    """The values of plans."""

    read: ReadModels
    progress: SqlProgressBoard
    estimates: PlanEstimates

    def rest(self, plan: ActionPlanView) -> Estimate | None:
        """How long the rest of a plan takes."""
        return self.estimates.of(plan).rest


class Decisions:
    """Repeats decisions in this process, with the installed plug-ins."""

    def __init__(self, world: World) -> None:
        runner, options = DirectRunner(OPTIMIZERS), OPTIMIZERS.default_options()
        self.verify = Verifier(
            world.log, world.records, runner, OPTIMIZERS, options, "test", CLOCK
        ).verify
        self.fork = Forker(world.records, runner, OPTIMIZERS, options, completed).fork


class ApiWorld(World):
    """The API, its databases and its projector.

    Args:
        where: folder for SQLite databases, or URL of an empty PostgreSQL database.
        settings: of the API.
    """

    def __init__(self, where: Path | str, settings: RestSettings | None = None) -> None:
        super().__init__(where)
        self.clock = CLOCK
        self.model = ArrangedModel()
        self.rest = rest_services(self, self.model, settings or RestSettings(stream_seconds=0.0))
        self.counters = self.rest.counters
        self.transports = self.rest.transports
        self.http = falcon.testing.TestClient(create_app(self.rest))
        self._first_http = self.http
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.projector.run, args=[self._stop], daemon=True)

    def open(self) -> None:
        """Fills the catalogue and starts the projector."""
        done = self.install(installed())
        self._thread.start()
        self.settle(done.position)
        self._opened_at = done.position

    def install(self, definitions: Iterable[PluginDefinition]) -> CommandResult[None]:
        """A decision engine of this host starts with these plug-ins; an earlier one has ended."""
        found = list(definitions)
        here = installation(found, start=self.log.end())
        return synchronise(self.commands, TEST, found, here, self.services)

    def close(self) -> None:
        """Stops the projector and closes all connections."""
        self._stop.set()
        self.commands.run(TEST, lambda tx, ctx: tx.add(_ping(ctx)))  # wakes the projector
        self._thread.join(20)
        assert not self._thread.is_alive()
        super().close()

    def empty(self) -> bool:
        """Deletes all but the catalogue (SQLite only), so that another test can start afresh.

        Returns:
            Whether that was possible: a catalogue that was changed cannot be restored.
        """
        self.settle(self.log.end())
        events = Path(self.url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(events, timeout=20)) as log, log:
            changed = log.execute(
                "SELECT 1 FROM stored_events WHERE rowid > ? AND topic LIKE 'catalogue.%'",
                [self._opened_at],
            ).fetchone()
            if changed is not None:
                return False
            log.execute("DELETE FROM stored_events WHERE rowid > ?", [self._opened_at])
            log.execute("DELETE FROM records")
        with closing(sqlite3.connect(events.with_name("views.db"), timeout=20)) as views, views:
            for table in (*FILLED, *(f"{name}_g1" for name in FOLDED)):
                views.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            views.execute("DELETE FROM timeline_g1 WHERE position > ?", [self._opened_at])
        self.model.reset()
        self.http = self._first_http
        return True

    # -- requests --------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: object = ...,
        *,
        version: str | None = "1.7",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> falcon.testing.Result:
        """Sends a request; ``path`` may have a query string."""
        sent = dict(headers or {})
        if version is not None:
            sent.setdefault("OpenStack-API-Version", f"infra-optim {version}")
        if raw is not None:
            return self._send(method, path, raw, sent)
        if body is ...:
            return self._send(method, path, None, sent)
        sent.setdefault("Content-Type", "application/json")
        return self._send(method, path, json.dumps(body).encode(), sent)

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> falcon.testing.Result:
        bare, _, query = path.partition("?")
        result = self.http.simulate_request(
            method, bare, query_string=query, body=body, headers=dict(headers)
        )
        described.check(method, bare, result)
        return result

    def get(self, path: str, **kwargs: Any) -> Any:
        """The document at a path, which must exist."""
        result = self.ask("GET", path, **kwargs)
        assert result.status_code == 200, result.text
        return result.json

    # -- resources -------------------------------------------------------------------------------

    def audit(self, **body: Any) -> Any:
        """A new audit."""
        asked = {"audit_type": "ONESHOT", "goal": "dummy", **body}
        result = self.ask("POST", "/v1/audits", asked)
        assert result.status_code == 201, result.text
        return result.json

    def template(self, **body: Any) -> Any:
        """A new audit template."""
        asked = {"name": f"template {uuid4()}", "goal": "dummy", **body}
        result = self.ask("POST", "/v1/audit_templates", asked)
        assert result.status_code == 201, result.text
        return result.json

    def put_audit(self, uuid: str, state: str) -> None:
        """Brings a PENDING audit into a state, as workers and users would."""
        self.change(Audit, UUID(uuid), lambda audit, ctx: bring_audit(audit, ctx, state))

    def plan(self, audit: str | None = None, actions: int = 2, state: str = "RECOMMENDED") -> Any:
        """A new plan of an audit, in a state."""
        audit = audit or self.audit(goal="server_consolidation", strategy="basic")["uuid"]
        run = run_id(UUID(audit), self.clock.now())

        def propose(tx: Any, ctx: Context) -> UUID:
            wanted = proposal(UUID(audit), run, migrations(actions), **RESULTS)
            why = self.records.put(encode(explanation(wanted)))
            plan = ActionPlan.propose(ctx, replace(wanted, explanation=why))
            tx.add(plan)
            bring_plan(plan, ctx, state)
            return plan.id

        done = self.commands.run(TEST, propose)
        self.settle(done.position)
        return self.get(f"/v1/action_plans/{done.value}")

    def run(self) -> str:
        """The run of a new audit; it has moved a server from one of two hosts to the other."""
        content = decision_record(INSTALLED["vm_workload_consolidation"])
        plan = publish(self.log, self.records, content, f"decided {uuid4()}")
        assert plan is not None
        self.settle(self.log.end())
        return str(plan.run_id)

    def actions(self, plan: str) -> list[Any]:
        """The actions of a plan."""
        found: list[Any] = self.get(f"/v1/actions/detail?action_plan_uuid={plan}")["actions"]
        return found

    def worker(self, name: str = "watcher-decision-engine", host: str = "ctl-1") -> None:
        """A worker that sent a heartbeat."""
        self.services.beat(Instance(f"{name}/{host}/1/x", name, host, 1, "x", ""))

    def settle(self, position: int) -> None:
        """Waits for the read models."""
        assert self.reads.await_position(position, 20)


def _ping(ctx: Context) -> Any:
    return NameReservation.reserve(ctx, "ping", str(uuid4()), uuid4())


def fault(result: falcon.testing.Result) -> str:
    """The text of an error, whose envelope must be right (docs/api.md, "Errors")."""
    assert result.headers["content-type"] == "application/json"
    outer = result.json
    assert list(outer) == ["error_message"]
    assert isinstance(outer["error_message"], str)
    inner = json.loads(outer["error_message"])
    assert set(inner) == {"faultcode", "faultstring", "debuginfo"}
    assert inner["faultcode"] == ("Client" if result.status_code < 500 else "Server")
    assert inner["debuginfo"] is None
    text: str = inner["faultstring"]
    return text


def refused(result: falcon.testing.Result, status: int) -> str:
    """The text of an error that must have a status."""
    assert result.status_code == status, result.text
    return fault(result)
