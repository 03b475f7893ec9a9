import logging
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from openstack.connection import Connection

from application.applier.applier import Applier
from application.applier.follow_ups import FollowUps
from application.applier.gate import StartGate
from application.applier.legality import MoveLegality
from application.applier.policy import ExecutionPolicy
from application.kernel.periodic import PeriodicJob
from application.workers.worker import Worker
from domain.actuation.events import ActuationSwitchedOff, ActuationSwitchedOn
from domain.audits.audit import Audit
from domain.kernel.metadata import Metadata, component
from domain.plans.execution_rule import ExecutionRule
from infrastructure import read_models
from infrastructure.openstack.actions import handlers
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import Settings
from interfaces.bootstrap.cloud import connection, limits, nodes
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.pace import pace_limits, parallelism
from interfaces.bootstrap.placement import placement_policy, rules_document
from interfaces.bootstrap.queries import STALE_AFTER
from interfaces.bootstrap.roles import Work
from interfaces.bootstrap.workers import heartbeat, run_with_background, run_worker

log = logging.getLogger(__name__)

CANCEL_REQUESTED = "plan.cancel-requested"
SWITCHED = (ActuationSwitchedOff.TOPIC, ActuationSwitchedOn.TOPIC)
TOPICS = ("plan.launched", CANCEL_REQUESTED)


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Executes launched action plans."""
    me = read_models.this_instance("watcher-applier", host=settings.host)
    beats = heartbeat(settings, database, me)
    chosen, cloud = settings.applier, connection(settings)
    registry = Registry()
    plugins = PluginOptions(registry, settings.sources)
    acts = handlers(
        registry.handlers,
        cloud,
        limits(settings),
        options=plugins.of("action handler"),
        nodes=nodes(settings, cloud),
    )
    applier = Applier(
        log=database.log,
        read=database.read,
        progress=database.progress,
        services=database.services,
        handlers=acts,
        clock=CLOCK,
        instance=me,
        fresh=beats.fresh,
        policy=ExecutionPolicy(
            max_parallel=chosen.max_parallel_actions,
            poll_interval=chosen.poll_interval,
            settle_time=chosen.settle_seconds,
            max_losses=chosen.action_losses,
            abort_on_cancel=chosen.running_on_cancel == "abort",
            stall_limit=chosen.stall_seconds,
            follow_up=chosen.follow_up_seconds,
            return_if_failed=chosen.return_if_failed,
        ),
        parallelism=parallelism(registry, plugins, settings.placement),
        legality=_legality(settings, database, cloud, me.id),
        gate=StartGate(database.log, database.read, CLOCK, pace_limits(settings)),
        rules=_rules(registry, chosen.execution_rules),
        stop=stop,
    )
    worker = Worker(
        "applier",
        chosen.workers,
        applier.process,
        applier.sweep,
        interval=settings.sweep_interval,
        clock=CLOCK,
    )
    watched = {
        CANCEL_REQUESTED: applier.look_again,
        **dict.fromkeys(SWITCHED, applier.look_again_everywhere),
    }
    follow_ups = FollowUps(
        database.log,
        CLOCK,
        acts,
        fresh=beats.fresh,
        settle_time=chosen.settle_seconds,
        metadata=Metadata(component("applier", me.id)),
    )
    failure = "what runs on after its action failed was not watched"
    follow = PeriodicJob(
        log, failure, follow_ups.look, interval=settings.sweep_interval, clock=CLOCK
    )
    work = partial(run_worker, settings, database, worker, beats, TOPICS, watched=watched)
    return partial(run_with_background, [follow.run], work, stop)


def _legality(
    settings: Settings, database: OpenDatabase, cloud: Connection, me: str
) -> MoveLegality:
    """Checks moves by the newest compute model that is not stale."""
    metadata = Metadata(component("applier", me))
    collector = model_collectors(settings, database, cloud, metadata).compute
    stale = STALE_AFTER * settings.collector.compute_period

    def scope_of(audit: UUID) -> list[Any]:
        found = database.log.find(Audit, audit)
        return [] if found is None else found.scope

    return MoveLegality(
        partial(collector.latest, stale),
        database.read.moves_since,
        scope_of,
        rules_document(settings.placement),
        placement_policy(settings.placement),
    )


def _rules(registry: Registry, chosen: Mapping[str, str]) -> dict[str, ExecutionRule]:
    """Strategy → execution rule; logs names of strategies that are not installed."""
    unknown = sorted(set(chosen) - set(registry.optimizers.strategies))
    if unknown:
        log.warning("action_execution_rule names strategies that do not exist: %s", unknown)
    return {name: ExecutionRule(word.upper()) for name, word in chosen.items()}
