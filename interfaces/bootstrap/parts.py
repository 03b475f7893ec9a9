"""What several roles are made of."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException as CloudException

from application.ports.bus import Hint
from application.ports.metrics import MetricSource
from application.ports.services import Instance
from application.processes.heartbeat import Heartbeat
from application.processes.worker import Worker
from infrastructure.datasources.endpoint import CatalogueEndpoint, QueryApi, UrlEndpoint
from infrastructure.datasources.prometheus import PrometheusSource
from infrastructure.datasources.promql import Labels
from infrastructure.datasources.unmeasured import Unmeasured
from infrastructure.messaging import NatsBus, NatsSettings, StreamSettings
from infrastructure.openstack.connection import Limits, connect
from infrastructure.settings import Settings
from interfaces.bootstrap.store import CLOCK, Store

LOG = logging.getLogger(__name__)


def work(
    settings: Settings,
    worker: Worker,
    heartbeat: Heartbeat,
    topics: tuple[str, ...],
    stop: threading.Event,
) -> None:
    """Beats, listens for hints and works, each on a thread of its own, until told to stop."""
    heartbeat.beat()
    name = worker.name
    bus = NatsBus(nats(settings), stream(settings))

    async def offer(hint: Hint) -> None:
        await asyncio.wrap_future(worker.offer(hint.aggregate_id))

    def listen() -> None:
        asyncio.run(until(stop, lambda: bus.consume(f"vigil-{name}", topics, offer)))

    threads = [
        threading.Thread(target=heartbeat.run, args=(stop,), name="heartbeat"),
        threading.Thread(target=listen, name="hints"),
    ]
    for thread in threads:
        thread.start()
    worker.run(stop)
    for thread in threads:
        thread.join()


async def until(stop: threading.Event, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Awaits some endless work until told to stop; ends with it if it ends in an error."""
    task = asyncio.create_task(work())
    waiting = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        stop.set()
        await task
    task.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)


def heartbeat(settings: Settings, store: Store, me: Instance) -> Heartbeat:
    """Says that an instance lives."""
    return Heartbeat(
        store.services,
        me,
        CLOCK,
        interval=settings.heartbeat_interval,
        limit=settings.service_down_time / 2,
    )


def connection(settings: Settings) -> Connection:
    """The cloud that the settings name; nothing is sent yet."""
    return connect(settings.cloud.name, settings.cloud.config_file, limits(settings))


def limits(settings: Settings) -> Limits:
    """How patient to be with the cloud."""
    return Limits(timeout=settings.cloud.timeout, settle=settings.applier.settle_seconds)


def metric_source(settings: Settings, connection: Connection) -> MetricSource:
    """The datasource: a URL in the settings, one in the cloud's catalogue, or none."""
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


def nats(settings: Settings) -> NatsSettings:
    """How to reach NATS.

    Raises:
        ValueError: the settings do not say where it is.
    """
    if settings.nats.url is None:
        raise ValueError("[vigil] nats_url: is not set, and this command starts no server")
    return NatsSettings(tuple(settings.nats.url.split(",")), token=settings.nats.token)


def stream(settings: Settings) -> StreamSettings:
    """The stream that carries hints."""
    return StreamSettings(replicas=settings.nats.replicas)
