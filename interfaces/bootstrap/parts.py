"""What several roles are made of."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial

from openstack.connection import Connection

from application.ports.bus import Hint
from application.ports.services import Instance
from application.workers.heartbeat import Heartbeat
from application.workers.worker import Worker
from infrastructure.datasources.selection import Datasources
from infrastructure.messaging import HintStreamSettings, NatsBus, NatsConnectionSettings, Poison
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.settings import Settings
from interfaces.bootstrap.datasources import datasources
from interfaces.bootstrap.store import CLOCK, OpenDatabase


def work(
    settings: Settings,
    store: OpenDatabase,
    worker: Worker,
    heartbeat: Heartbeat,
    topics: tuple[str, ...],
    stop: threading.Event,
) -> None:
    """Beats, listens for hints and works, each on a thread of its own, until told to stop.

    It beats until the last slot is empty: whoever retires may be taken over from, and a successor
    must not begin while a call to the cloud is still under way here.

    Raises:
        Exception: listening ended in an error; the work was ended in good order first.
    """
    heartbeat.beat()
    name = worker.name
    bus = NatsBus(nats(settings), stream(settings), report=partial(_note, store))
    idle = threading.Event()
    errors: list[Exception] = []

    async def offer(hint: Hint) -> None:
        await asyncio.wrap_future(worker.offer(hint.aggregate_id))

    def listen() -> None:
        try:
            asyncio.run(until(stop, lambda: bus.consume(f"vigil-{name}", topics, offer)))
        except Exception as error:  # noqa: BLE001 - told to the caller, who is on another thread
            errors.append(error)

    beating = threading.Thread(target=heartbeat.run, args=(idle,), name="heartbeat")
    listening = threading.Thread(target=listen, name="hints")
    beating.start()
    listening.start()
    try:
        worker.run(stop)
    finally:
        stop.set()
        listening.join()
        idle.set()
        beating.join()
    if errors:
        raise errors[0]


def _note(store: OpenDatabase, poison: Poison) -> None:
    store.poison.put(
        poison.consumer,
        poison.subject,
        poison.sequence,
        deliveries=poison.deliveries,
        error=poison.error,
    )


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


def heartbeat(settings: Settings, store: OpenDatabase, me: Instance) -> Heartbeat:
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


def limits(settings: Settings) -> ConnectionLimits:
    """How patient to be with the cloud."""
    return ConnectionLimits(timeout=settings.cloud.timeout, settle=settings.applier.settle_seconds)


def metric_source(settings: Settings, connection: Connection) -> Datasources:
    """The datasources: a ``MetricSource`` in the global order, and ``of()`` each strategy."""
    return datasources(settings.metrics, connection)


def nats(settings: Settings) -> NatsConnectionSettings:
    """How to reach NATS.

    Raises:
        ValueError: the settings do not say where it is.
    """
    if settings.nats.url is None:
        raise ValueError("[vigil] nats_url: is not set, and this command starts no server")
    return NatsConnectionSettings(tuple(settings.nats.url.split(",")), token=settings.nats.token)


def stream(settings: Settings) -> HintStreamSettings:
    """The stream that carries hints."""
    return HintStreamSettings(replicas=settings.nats.replicas)
