"""What the API's worker processes need."""

from functools import partial

from openstack.connection import Connection

from application.commands.parameters import defaults_of
from application.kernel.errors import Unavailable
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.read_models import StrategyView
from application.queries.readiness import ReadinessQuery
from domain.cluster.kinds import ModelKind
from domain.optimization import STRATEGIES
from infrastructure.clock import RandomIds
from infrastructure.cron import next_match
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.probes import probe
from infrastructure.settings import Settings
from interfaces.bootstrap.access import authorizer
from interfaces.bootstrap.models import cluster_models, periods
from interfaces.bootstrap.parts import connection, limits, metric_source
from interfaces.bootstrap.store import CLOCK, OpenDatabase
from interfaces.rest.services import RestServices, RestSettings, StrategyState


def rest_services(settings: Settings) -> RestServices:
    """What an API worker process needs."""
    store = OpenDatabase(settings)
    cloud = connection(settings)
    source = metric_source(settings, cloud)
    readiness = ReadinessQuery(
        STRATEGIES,
        lambda strategy, needs: source.of(strategy).suited(needs) or source.of(strategy),
        models={
            kind: partial(_answers, cloud, limits(settings), kind) for kind in periods(settings)
        },
        defaults=lambda schema: defaults_of(dict(schema)),
    )
    return RestServices(
        commands=store.commands,
        reads=store.read,
        history=store.log,
        records=store.records,
        services=store.services,
        counters=store.counters,
        authorizer=authorizer(settings),
        cron=next_match,
        clock=CLOCK,
        ids=RandomIds(),
        strategy_state=partial(_strategy_state, readiness),
        data_model=cluster_models(settings, store).rows,
        settings=RestSettings(
            max_limit=settings.api.max_limit,
            max_body=settings.access.max_request_body_size,
            patience=settings.api.read_your_writes_timeout,
            streams=settings.streams.limit,
            stream_seconds=settings.streams.seconds,
            heartbeat=settings.streams.heartbeat,
            stream_patience=settings.streams.patience,
            webhooks_auth=settings.api.enable_webhooks_auth,
            behind_proxy=settings.access.enable_proxy_headers_parsing,
        ),
        close=store.close,
    )


def _strategy_state(readiness: ReadinessQuery, strategy: StrategyView) -> StrategyState:
    try:
        found = readiness.of(strategy.name)
    except KeyError:
        raise Unavailable(f"Strategy {strategy.name} is not installed here.") from None
    models = {f"{kind}_model": there for kind, there in found.models.items()}
    return StrategyState(found.datasource, found.available, found.metrics, models)


def _answers(cloud: Connection, patience: ConnectionLimits, kind: ModelKind) -> bool:
    try:
        probe(cloud, patience, kind)
    except (CloudUnreachable, CloudRefused):
        return False
    return True
