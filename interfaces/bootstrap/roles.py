"""The roles: each is one kind of process."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from application.applier.action_tracker import ExecutionPolicy
from application.applier.applier import Applier, Collaborators
from application.cluster_models.collection import collect_all
from application.commands.catalogue import synchronise
from application.commands.installed import definitions
from application.commands.parameters import completed
from application.decision_engine.engine import DecisionEngine, RunRetryPolicy
from application.decision_engine.inputs import Freshness, InputLoader, last_effect
from application.workers.scheduler import Scheduler, ScheduleSettings
from application.workers.worker import Worker
from domain.kernel.metadata import Metadata, component
from domain.optimization import GOALS, PLANNERS, STRATEGIES
from infrastructure import event_log, read_models
from infrastructure.cron import next_match
from infrastructure.messaging import Relay
from infrastructure.notifications.listener import library
from infrastructure.openstack.actions import handlers
from infrastructure.settings import Settings
from interfaces.bootstrap.access import announce, server_settings
from interfaces.bootstrap.models import keepers, periods
from interfaces.bootstrap.notifications import follow
from interfaces.bootstrap.parts import (
    connection,
    heartbeat,
    limits,
    metric_source,
    nats,
    stream,
    until,
    work,
)
from interfaces.bootstrap.records import housekeeper
from interfaces.bootstrap.rest import rest_services
from interfaces.bootstrap.store import CLOCK, OpenDatabase, opened
from interfaces.rest.serving.server import serve

LOG = logging.getLogger(__name__)

CHORE_ENDS = 10.0
"""Seconds that a chore gets to end after the work beside it."""
Work = Callable[[], None]
"""What a role does, once it has what it needs, until it is told to stop."""


def code_version() -> str:
    """The version of Vigil that runs."""
    return version("vigil-optimizer")


def run_role(
    role: str,
    settings: Settings,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    listener: socket.socket | None = None,
) -> int:
    """Runs a role until told to stop.

    Args:
        role: its name.
        settings: of the installation.
        stop: set when the role is to end.
        ready: called once the role has what it needs and goes to work.
        listener: what the API is to accept connections on, instead of host and port.

    Returns:
        The exit status of the process.

    Raises:
        KeyError: there is no such role.
    """
    if role == "api":
        announce(settings)
        return serve(
            partial(rest_services, settings),
            server_settings(settings),
            lambda _host, _port: ready(),
            listener,
        )
    with opened(settings) as store:
        unknown = event_log.verify_topics(store.log)
        if unknown:
            LOG.error("events that this version does not know are quarantined: %s", unknown)
        start = ROLES[role](settings, store, stop)
        ready()
        start()
    return 0


def _projector(_: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    return partial(store.projector().run, stop)


def _relay(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    relay = Relay(store.log, nats(settings), stream(settings))
    return lambda: asyncio.run(until(stop, relay.run))


def _scheduler(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    engine = settings.decision_engine
    timetable = ScheduleSettings(
        expiry_hours=engine.action_plan_expiry, expiry_check=engine.check_periodic_interval
    )
    instance = f"{settings.host}/{os.getpid()}"
    scheduler = Scheduler(
        store.commands, store.read, CLOCK, next_match, timetable, instance=instance
    )
    if not settings.records.prune_interval:
        return partial(scheduler.run, stop)
    return partial(_beside, housekeeper(settings, store).run, scheduler.run, stop)


def _beside(
    chore: Callable[[threading.Event], None],
    work: Callable[[threading.Event], None],
    stop: threading.Event,
) -> None:
    """Work, and a chore on a thread of its own, so that what is due does not wait for it."""
    thread = threading.Thread(target=chore, args=(stop,), name="chore", daemon=True)
    thread.start()
    work(stop)
    thread.join(CHORE_ENDS)


def _collector(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    instance = f"{settings.host}/{os.getpid()}"
    metadata = Metadata(component("collector", instance))
    kept = keepers(settings, store, connection(settings), metadata)
    return partial(collect_all, kept, periods(settings), stop)


def _listener(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    library()  # before it says that it is ready
    instance = f"{settings.host}/{os.getpid()}"
    return partial(follow, settings, store, Metadata(component("listener", instance)), stop)


def _decision_engine(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    me = read_models.this_instance("watcher-decision-engine", host=settings.host)
    cloud = connection(settings)
    actions = handlers(cloud, limits(settings))
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
        gatherer=InputLoader(
            keepers(settings, store, cloud, metadata),
            metric_source(settings, cloud).of,
            CLOCK,
            Freshness(settings.collector.max_model_age, settings.collector.allow_stale),
            last_effect=partial(last_effect, store.read),
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
        patience=RunRetryPolicy(
            attempts=chosen.run_attempts,
            pause=chosen.run_retry_interval,
            losses=chosen.run_losses,
        ),
    )
    worker = Worker(
        "decision-engine",
        chosen.max_audit_workers,
        engine.process,
        engine.sweep,
        interval=settings.sweep_interval,
    )
    beat = heartbeat(settings, store, me)
    topics = ("audit.run-requested", "audit.run-deferred")
    return partial(
        _beside, engine.hand_over, partial(work, settings, store, worker, beat, topics), stop
    )


def _applier(settings: Settings, store: OpenDatabase, stop: threading.Event) -> Work:
    me = read_models.this_instance("watcher-applier", host=settings.host)
    beat = heartbeat(settings, store, me)
    chosen = settings.applier
    applier = Applier(
        Collaborators(
            log=store.log,
            read=store.read,
            progress=store.progress,
            services=store.services,
            handlers=handlers(connection(settings), limits(settings)),
            clock=CLOCK,
        ),
        me,
        fresh=beat.fresh,
        pace=ExecutionPolicy(
            parallel=chosen.max_parallel_actions,
            poll=chosen.poll_interval,
            settle=chosen.settle_seconds,
        ),
        stop=stop,
    )
    worker = Worker(
        "applier", chosen.workers, applier.process, applier.sweep, interval=settings.sweep_interval
    )
    topics = ("plan.launched", "plan.cancel-requested")
    return partial(work, settings, store, worker, beat, topics, stop)


ROLES: dict[str, Callable[[Settings, OpenDatabase, threading.Event], Work]] = {
    "projector": _projector,
    "relay": _relay,
    "scheduler": _scheduler,
    "collector": _collector,
    "listener": _listener,
    "decision-engine": _decision_engine,
    "applier": _applier,
}
