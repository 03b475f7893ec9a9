"""The composition root: the only place that knows every concrete class.

A *role* is one kind of process (api, projector, …). Everything that a role needs is built here from
settings and injected; nothing is looked up elsewhere.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any
from uuid import UUID

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException as CloudException
from sqlalchemy import Engine

from application.commands.catalogue import synchronise
from application.commands.parameters import completed
from application.errors import Unavailable
from application.installed import definitions
from application.ports.bus import Hint
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import EventLog
from application.ports.metrics import MetricSource
from application.ports.read_models import ProgressBoard, ReadModels, StrategyView
from application.ports.services import Instance, Services
from application.processes.applier import Applier, Collaborators
from application.processes.decision_engine import DecisionEngine, Patience
from application.processes.gathering import Gatherer
from application.processes.heartbeat import Heartbeat
from application.processes.plan_run import Pace
from application.processes.scheduler import Scheduler, Timetable
from application.processes.worker import Worker
from application.projections import Projector, RebuildReport, all_projections
from application.queries.readiness import ReadinessQuery
from application.transactions import Commands
from domain.kernel.metadata import Metadata, component
from domain.optimization import GOALS, PLANNERS, STRATEGIES
from infrastructure import event_log, read_models
from infrastructure.clock import RandomIds, SystemClock
from infrastructure.cron import next_match
from infrastructure.datasources.endpoint import CatalogueEndpoint, QueryApi, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.promql import Labels
from infrastructure.datasources.unmeasured import Unmeasured
from infrastructure.messaging import NatsBus, NatsSettings, Relay, StreamSettings
from infrastructure.openstack.actions import handlers
from infrastructure.openstack.collector import NovaCollector
from infrastructure.openstack.connection import Limits, connect
from infrastructure.openstack.service import compute
from infrastructure.settings import Settings
from interfaces.rest.auth import NoAuth
from interfaces.rest.server import ServerSettings, serve
from interfaces.rest.services import RestServices, RestSettings, StrategyState

LOG = logging.getLogger(__name__)
CLOCK = SystemClock()


@dataclass(frozen=True)
class Queries:
    """What viewers look at."""

    log: EventLog
    read: ReadModels
    services: Services
    progress: ProgressBoard
    close: Callable[[], None]


def code_version() -> str:
    """The version of Vigil that runs."""
    return version("vigil-optimizer")


def upgrade(settings: Settings) -> list[str]:
    """Brings the schema of the database up to date; returns what was done."""
    url = settings.database.connection
    done = event_log.upgrade(url)
    read_models.upgrade(read_models.views_url(url))
    return done


@contextmanager
def _store(settings: Settings) -> Iterator["_Store"]:
    store = _Store(settings)
    try:
        yield store
    finally:
        store.close()


class _Store:
    """The database, opened in this process (after any fork)."""

    def __init__(self, settings: Settings) -> None:
        url = settings.database.connection
        self.log = event_log.open_event_log(url)
        self.records = event_log.open_records(url)
        self.engine: Engine = read_models.open_engine(read_models.views_url(url))
        self.read = read_models.SqlReadModels(self.engine, CLOCK, self.log.end)
        self.progress = read_models.SqlProgressBoard(self.engine)
        self.services = read_models.SqlServices(
            self.engine,
            host=settings.host,
            down_after=timedelta(seconds=settings.service_down_time),
        )
        self.commands = Commands(self.log, CLOCK)

    def projector(self) -> Projector:
        """Folds the log into the read tables."""
        store = read_models.SqlProjectionStore(self.engine)
        return Projector(self.log, store, all_projections(next_match), CLOCK)

    def close(self) -> None:
        """Gives connections back."""
        self.records.close()
        self.engine.dispose()
        self.log.close()


def open_queries(settings: Settings) -> Queries:
    """What viewers look at; needs no running Vigil."""
    store = _Store(settings)
    return Queries(store.log, store.read, store.services, store.progress, store.close)


def rebuild(settings: Settings, name: str) -> RebuildReport:
    """Builds read tables anew beside the live ones and switches to them."""
    with _store(settings) as store:
        return store.projector().rebuild(name)


# -- roles ---------------------------------------------------------------------------------------


def run_role(role: str, settings: Settings, stop: threading.Event) -> int:
    """Runs a role until told to stop.

    Returns:
        The exit status of the process.

    Raises:
        KeyError: there is no such role.
    """
    if role == "api":
        return serve(partial(rest_services, settings), _server(settings))
    with _store(settings) as store:
        unknown = event_log.verify_topics(store.log)
        if unknown:
            LOG.error("events that this version does not know are quarantined: %s", unknown)
        ROLES[role](settings, store, stop)
    return 0


def _projector(_: Settings, store: _Store, stop: threading.Event) -> None:
    store.projector().run(stop)


def _relay(settings: Settings, store: _Store, stop: threading.Event) -> None:
    relay = Relay(store.log, _nats(settings), _stream(settings))
    asyncio.run(_until(stop, relay.run))


def _scheduler(settings: Settings, store: _Store, stop: threading.Event) -> None:
    engine = settings.decision_engine
    timetable = Timetable(
        expiry_hours=engine.action_plan_expiry, expiry_check=engine.check_periodic_interval
    )
    instance = f"{settings.host}/{os.getpid()}"
    Scheduler(store.commands, store.read, CLOCK, next_match, timetable, instance=instance).run(stop)


def _decision_engine(settings: Settings, store: _Store, stop: threading.Event) -> None:
    me = read_models.this_instance("watcher-decision-engine", host=settings.host)
    connection = _connection(settings)
    actions = handlers(connection, _limits(settings))
    metadata = Metadata(component("decision-engine", me.id))
    installed = definitions(GOALS, STRATEGIES, PLANNERS, actions)
    synchronise(store.commands, metadata, installed)
    chosen = settings.decision_engine
    planners = {
        name: make(dict(settings.planner.weights), dict(settings.planner.parallelization))
        for name, make in PLANNERS.items()
    }
    engine = DecisionEngine(
        log=store.log,
        commands=store.commands,
        read=store.read,
        records=store.records,
        services=store.services,
        gatherer=Gatherer(
            NovaCollector(connection, _limits(settings)), _metrics(settings, connection), CLOCK
        ),
        strategies=STRATEGIES,
        planners=planners,
        planner_options={
            "weights": dict(settings.planner.weights),
            "parallelization": dict(settings.planner.parallelization),
        },
        complete=lambda given, schema: completed(dict(schema), dict(given)),
        clock=CLOCK,
        instance=me,
        code=code_version(),
        patience=Patience(attempts=chosen.run_attempts, pause=chosen.run_retry_interval),
    )
    worker = Worker(
        "decision-engine",
        chosen.max_audit_workers,
        engine.process,
        engine.sweep,
        interval=settings.sweep_interval,
    )
    heartbeat = _heartbeat(settings, store, me)
    _work(settings, worker, heartbeat, ("audit.run-requested", "audit.run-deferred"), stop)


def _applier(settings: Settings, store: _Store, stop: threading.Event) -> None:
    me = read_models.this_instance("watcher-applier", host=settings.host)
    heartbeat = _heartbeat(settings, store, me)
    chosen = settings.applier
    applier = Applier(
        Collaborators(
            log=store.log,
            read=store.read,
            progress=store.progress,
            services=store.services,
            handlers=handlers(_connection(settings), _limits(settings)),
            clock=CLOCK,
        ),
        me,
        fresh=heartbeat.fresh,
        pace=Pace(
            parallel=chosen.max_parallel_actions,
            poll=chosen.poll_interval,
            settle=chosen.settle_seconds,
        ),
        stop=stop,
    )
    worker = Worker(
        "applier", chosen.workers, applier.process, applier.sweep, interval=settings.sweep_interval
    )
    _work(settings, worker, heartbeat, ("plan.launched", "plan.cancel-requested"), stop)


ROLES: dict[str, Callable[[Settings, _Store, threading.Event], None]] = {
    "projector": _projector,
    "relay": _relay,
    "scheduler": _scheduler,
    "decision-engine": _decision_engine,
    "applier": _applier,
}


# -- parts of roles ------------------------------------------------------------------------------


def _work(
    settings: Settings,
    worker: Worker,
    heartbeat: Heartbeat,
    topics: tuple[str, ...],
    stop: threading.Event,
) -> None:
    """Beats, listens for hints and works, each on a thread of its own, until told to stop."""
    heartbeat.beat()
    name = worker.name
    bus = NatsBus(_nats(settings), _stream(settings))

    async def offer(hint: Hint) -> None:
        await asyncio.wrap_future(worker.offer(hint.aggregate_id))

    def listen() -> None:
        asyncio.run(_until(stop, lambda: bus.consume(f"vigil-{name}", topics, offer)))

    threads = [
        threading.Thread(target=heartbeat.run, args=(stop,), name="heartbeat"),
        threading.Thread(target=listen, name="hints"),
    ]
    for thread in threads:
        thread.start()
    worker.run(stop)
    for thread in threads:
        thread.join()


async def _until(stop: threading.Event, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Awaits some endless work until told to stop; ends with it if it ends in an error."""
    task = asyncio.create_task(work())
    waiting = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        stop.set()
        await task
    task.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)


def _heartbeat(settings: Settings, store: _Store, me: Instance) -> Heartbeat:
    return Heartbeat(
        store.services,
        me,
        CLOCK,
        interval=settings.heartbeat_interval,
        limit=settings.service_down_time / 2,
    )


def _connection(settings: Settings) -> Connection:
    return connect(settings.cloud.name, settings.cloud.config_file, _limits(settings))


def _limits(settings: Settings) -> Limits:
    return Limits(timeout=settings.cloud.timeout, settle=settings.applier.settle_seconds)


def _metrics(settings: Settings, connection: Connection) -> MetricSource:
    chosen = settings.metrics
    labels = Labels(host=chosen.fqdn_label, server=chosen.instance_uuid_label)
    if chosen.prometheus_url is not None:
        credentials = (
            (chosen.username, chosen.password) if chosen.username and chosen.password else None
        )
        cafile = str(chosen.cafile) if chosen.cafile else None
        endpoint = UrlEndpoint(chosen.prometheus_url, credentials=credentials, cafile=cafile)
        return PrometheusSource(QueryApi(endpoint), labels)
    if _has_metric_storage(connection):
        return PrometheusSource(QueryApi(CatalogueEndpoint(connection)), labels)
    LOG.warning("no datasource of metrics is configured: strategies go by allocations")
    return Unmeasured()


def _has_metric_storage(connection: Connection) -> bool:
    """Whether the cloud's catalogue names a datasource; an unreachable cloud may well have one."""
    try:
        return connection.endpoint_for("metric-storage") is not None
    except (CloudException, ClientException) as away:
        LOG.warning("the catalogue cannot be read, assuming it names a datasource: %s", away)
        return True


def _nats(settings: Settings) -> NatsSettings:
    if settings.nats.url is None:
        raise ValueError("[vigil] nats_url: is not set, and this command starts no server")
    return NatsSettings(tuple(settings.nats.url.split(",")), token=settings.nats.token)


def _stream(settings: Settings) -> StreamSettings:
    return StreamSettings(replicas=settings.nats.replicas)


def _server(settings: Settings) -> ServerSettings:
    return ServerSettings(
        host=settings.api.host, port=settings.api.port, workers=settings.api.workers
    )


def rest_services(settings: Settings) -> RestServices:
    """What an API worker process needs."""
    store = _Store(settings)
    connection = _connection(settings)
    source = _metrics(settings, connection)
    readiness = ReadinessQuery(
        STRATEGIES,
        source,
        compute=partial(_compute_answers, connection, _limits(settings)),
        defaults=lambda schema: completed(dict(schema), {}),
    )
    return RestServices(
        commands=store.commands,
        reads=store.read,
        services=store.services,
        authorizer=NoAuth(),
        cron=next_match,
        clock=CLOCK,
        ids=RandomIds(),
        strategy_state=partial(_strategy_state, readiness),
        data_model=_no_model,
        settings=RestSettings(
            max_limit=settings.api.max_limit, patience=settings.api.read_your_writes_timeout
        ),
        close=store.close,
    )


def _strategy_state(readiness: ReadinessQuery, strategy: StrategyView) -> StrategyState:
    try:
        found = readiness.of(strategy.name)
    except KeyError:
        raise Unavailable(f"Strategy {strategy.name} is not installed here.") from None
    models = {"compute_model": found.compute, "storage_model": False, "baremetal_model": False}
    return StrategyState(found.datasource, found.available, found.metrics, models)


def _compute_answers(connection: Connection, limits: Limits) -> bool:
    try:
        compute(connection, limits).get("/os-services", {"binary": "nova-compute"})
    except (CloudUnreachable, CloudRefused):
        return False
    return True


def _no_model(audit: UUID | None) -> Sequence[Mapping[str, Any]]:
    raise Unavailable(f"No cluster model is kept (asked for {audit or 'the whole cloud'}).")
