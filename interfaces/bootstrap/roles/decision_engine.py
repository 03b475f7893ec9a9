import threading
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from application.commands.catalogue import ENGINE, definitions, synchronise
from application.commands.parameters import completed
from application.decision_engine.decisions import SearchSettings
from application.decision_engine.engine import (
    OUTAGE_RETRY,
    DecisionEngine,
    RunPolicy,
)
from application.decision_engine.inputs import Freshness, InputLoader, last_effect
from application.ports.plugins import OptimizerOptions
from application.workers.worker import Worker
from domain.catalogue import Installation, PluginDefinition, PluginKind
from domain.kernel.metadata import Metadata, component
from domain.optimization.context import MigrationCost
from infrastructure import read_models
from infrastructure.openstack.actions import handlers
from infrastructure.plugins import PluginOptions, Registry
from infrastructure.settings import Settings
from interfaces.bootstrap.cloud import connection, limits, nodes
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.datasources import datasources
from interfaces.bootstrap.decisions import DISTRIBUTION, process_runner
from interfaces.bootstrap.placement import placement_policy, rules_document
from interfaces.bootstrap.roles import Work
from interfaces.bootstrap.workers import heartbeat, run_with_background, run_worker

PLUGIN_KINDS = {
    PluginKind.GOAL: "goal",
    PluginKind.STRATEGY: "strategy",
    PluginKind.PLANNER: "planner",
    PluginKind.ACTION_TYPE: "action",
}
"""Kind in the catalogue → kind in the registry; scoring engines have two kinds there."""
TOPICS = ("audit.run-requested", "audit.run-deferred", "plan.return-requested")


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Computes action plans for audit runs."""
    me = read_models.this_instance(ENGINE, host=settings.host)
    cloud = connection(settings)
    metadata = Metadata(component("decision-engine", me.id))
    registry = Registry()
    options = PluginOptions(registry, settings.sources)
    installed = definitions(
        registry.optimizers, registry.handlers, registry.scoring_engines.values()
    )
    database.services.beat(me)  # before its plug-ins are recorded: they count while it is alive
    here = Installation.of(me.id, me.host, installed, _versions(registry, installed))
    synchronise(database.commands, metadata, installed, here, database.services)
    chosen = settings.decision_engine
    runner = process_runner(settings)
    runner.start()
    engine = DecisionEngine(
        log=database.log,
        commands=database.commands,
        read=database.read,
        records=database.records,
        services=database.services,
        inputs=InputLoader(
            model_collectors(settings, database, cloud, metadata),
            datasources(settings, cloud, registry).of,
            CLOCK,
            Freshness(settings.collector.max_model_age, settings.collector.allow_stale),
            last_effect=partial(last_effect, database.read, registry.optimizers.action_types),
            moves_since=database.read.moves_since,
            failed_moves=database.read.failed_moves,
            rules=rules_document(settings.placement),
        ),
        optimizers=registry.optimizers,
        runner=runner,
        handlers=handlers(
            registry.handlers,
            cloud,
            limits(settings),
            options=options.of("action handler"),
            nodes=nodes(settings, cloud),
        ),
        options=OptimizerOptions(options.of("strategy"), options.of("planner")),
        search=SearchSettings(
            chosen.strategy_steps,
            MigrationCost(chosen.migration_bandwidth, chosen.migration_overhead),
            placement_policy(settings.placement),
        ),
        complete=lambda given, schema: completed(dict(schema), dict(given)),
        clock=CLOCK,
        instance=me,
        code=version(DISTRIBUTION),
        policy=RunPolicy(
            replace(
                OUTAGE_RETRY,
                first_pause=chosen.run_retry_interval,
                attempts=chosen.run_attempts + 1,  # the first one and its retries
            ),
            max_losses=chosen.run_losses,
        ),
    )
    worker = Worker(
        "decision-engine",
        chosen.max_audit_workers,
        engine.process,
        engine.sweep,
        interval=settings.sweep_interval,
        clock=CLOCK,
    )
    beats = heartbeat(settings, database, me)
    work = partial(run_worker, settings, database, worker, beats, TOPICS)
    return partial(run_with_background, [engine.release_at_stop], work, stop)


def _versions(
    registry: Registry, installed: list[PluginDefinition]
) -> dict[tuple[PluginKind, str], str]:
    return {
        one.key: registry.scoring_engine_version(one.name)
        if one.kind is PluginKind.SCORING_ENGINE
        else registry.version(PLUGIN_KINDS[one.kind], one.name)
        for one in installed
    }
