"""The REST API: its server, and the ports that each of its worker processes uses."""

import socket
from collections.abc import Callable
from functools import partial

from openstack.connection import Connection

from application.cluster_models.query import ClusterModels
from application.commands.requested_actions import RequestedActions
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.read_models import StrategyView
from application.queries.strategies import ReadinessQuery
from domain.cluster.kinds import ModelKind
from infrastructure.clock import RandomIds
from infrastructure.cron import next_match
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.probes import probe
from infrastructure.plugins import Registry
from infrastructure.settings import Settings
from interfaces.bootstrap.access import (
    announce,
    cors,
    identity,
    page_guard,
    policy,
    server_settings,
)
from interfaces.bootstrap.cloud import connection, limits, nodes
from interfaces.bootstrap.database import CLOCK
from interfaces.bootstrap.datasources import datasources
from interfaces.bootstrap.decisions import OneAtATime
from interfaces.bootstrap.overview import cluster_views, overview_query
from interfaces.bootstrap.queries import Queries, collection_periods
from interfaces.rest.policy import PolicyAuthorizer
from interfaces.rest.services import RestServices, RestSettings, StrategyState
from interfaces.rest.serving.server import serve

_WITHOUT_DATASOURCE = "No datasource is configured: runs use allocations only."


def serve_api(settings: Settings, ready: Callable[[], None], listener: socket.socket | None) -> int:
    """Serves the REST API until the process receives a signal; returns the exit status."""
    announce(settings)
    return serve(
        partial(rest_services, settings),
        server_settings(settings),
        lambda _host, _port: ready(),
        listener,
        cors(settings),
    )


def rest_services(settings: Settings, past: int | None = None) -> RestServices:
    """The ports of one API worker process; ``past``: see ``RestSettings``."""
    queries, who = Queries(settings, writes=True), identity(settings)
    registry = Registry()
    readiness = _readiness(settings, registry) if past is None else None
    decisions = OneAtATime(settings, queries.log, queries.records, registry)
    return RestServices(
        commands=queries.commands,
        reads=queries.read,
        history=queries.log,
        records=queries.records,
        services=queries.services,
        counters=queries.counters,
        transports=queries.transports,
        authorizer=PolicyAuthorizer(who, policy(settings)),
        cron=next_match,
        clock=CLOCK,
        ids=RandomIds(),
        requested=RequestedActions(registry.optimizers.strategies, queries.read),
        estimates=queries.estimates(registry),
        strategy_state=partial(_strategy_state, readiness),
        data_model=queries.models.rows,
        overview=overview_query(settings, queries, past),
        cluster=cluster_views(queries, registry),
        decisions=decisions,
        settings=RestSettings(
            max_limit=settings.api.max_limit,
            max_body=settings.access.max_request_body_size,
            visibility_timeout=settings.api.read_your_writes_timeout,
            streams=settings.streams.limit,
            stream_seconds=settings.streams.seconds,
            heartbeat=settings.streams.heartbeat,
            stream_timeout=settings.streams.client_timeout,
            webhooks_auth=settings.api.enable_webhooks_auth,
            behind_proxy=settings.access.enable_proxy_headers_parsing,
            guard=page_guard(settings),
            past=past,
        ),
        check_writable=queries.log.check_writable,
        identity_problem=who.problem,
        cloud_problem=partial(_cloud_problem, queries.models),
        close=partial(_close, decisions, queries),
    )


def _readiness(settings: Settings, registry: Registry) -> ReadinessQuery:
    cloud = connection(settings)
    source = datasources(settings, cloud, registry)
    return ReadinessQuery(
        registry.optimizers.strategies,
        source.of,
        models={
            kind: partial(_answers, cloud, limits(settings), nodes(settings, cloud), kind)
            for kind in collection_periods(settings)
        },
    )


def _close(decisions: OneAtATime, queries: Queries) -> None:
    decisions.close()
    queries.close()


def _cloud_problem(models: ClusterModels) -> str | None:
    """Which models cannot be collected; without the cloud's messages, which may hold addresses."""
    failing = [f"{one.kind} ({one.failure and one.failure.reason})" for one in models.failing()]
    if not failing:
        return None
    return f"models that cannot be collected: {', '.join(failing)}; `vigil status` shows why"


def _strategy_state(readiness: ReadinessQuery | None, strategy: StrategyView) -> StrategyState:
    if readiness is None:
        raise Unavailable("This is the past: whether datasources answered then is not recorded.")
    try:
        found = readiness.of(strategy.name)
    except KeyError:
        raise Unavailable(f"Strategy {strategy.name} is not installed here.") from None
    models = {f"{kind}_model": there for kind, there in found.models.items()}
    return StrategyState(
        found.datasource,
        found.available,
        found.metrics,
        models,
        mandatory=not found.runs_without,
        comment=_WITHOUT_DATASOURCE if found.runs_without else "",
    )


def _answers(
    cloud: Connection, timing: ConnectionLimits, bare_metal: Nodes, kind: ModelKind
) -> bool:
    try:
        probe(cloud, timing, bare_metal, kind)
    except (CloudUnreachable, CloudRefused):
        return False
    return True
