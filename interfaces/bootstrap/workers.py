"""The threads of a worker process: work, heartbeat, hints from NATS."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from uuid import UUID

from application.ports.bus import Hint
from application.ports.services import Instance
from application.workers.heartbeat import Heartbeat
from application.workers.worker import Worker
from infrastructure.messaging import (
    HintStreamSettings,
    NatsBus,
    NatsConnectionSettings,
)
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, OpenDatabase

BACKGROUND_STOP = 10.0
"""Seconds to wait for a background task after the main work has ended."""
_NOTHING: Mapping[str, Callable[[UUID], None]] = {}


def run_worker(
    settings: Settings,
    database: OpenDatabase,
    worker: Worker,
    heartbeat: Heartbeat,
    topics: tuple[str, ...],
    stop: threading.Event,
    watched: Mapping[str, Callable[[UUID], None]] = _NOTHING,
) -> None:
    """Runs a worker, its heartbeat and its hint consumer, a thread each, until ``stop`` is set.

    A hint is requested while a slot is free, and acknowledged when its key is claimed. Hints of
    ``watched`` topics reach every process: topic → what is called with the aggregate.

    The heartbeat goes on until the last slot is empty: without it another worker may take over,
    which must not happen while a request to the cloud is still running here.

    Raises:
        Exception: the hint consumer failed; the worker was stopped in good order first.
    """
    heartbeat.beat()
    name = worker.name
    bus = NatsBus(nats(settings), hint_stream(settings), poison=database.poison)
    idle = threading.Event()
    errors: list[Exception] = []

    async def take(hint: Hint) -> None:
        await asyncio.wrap_future(worker.take(hint.aggregate_id))

    async def room() -> None:
        await asyncio.wrap_future(worker.room())

    def notice(hint: Hint) -> None:
        watched[hint.topic](hint.aggregate_id)

    async def listen() -> None:
        works = [bus.consume(f"vigil-{name}", topics, take, room)]
        if watched:
            works.append(bus.watch(f"{name}-notices", tuple(watched), notice))
        await asyncio.gather(*works)

    def consume() -> None:
        try:
            asyncio.run(until(stop, listen))
        except Exception as error:  # noqa: BLE001 - raised again by the caller's thread
            errors.append(error)

    beats = threading.Thread(target=heartbeat.run, args=(idle,), name="heartbeat")
    hints = threading.Thread(target=consume, name="hints")
    beats.start()
    hints.start()
    try:
        worker.run(stop)
    finally:
        stop.set()
        hints.join()
        idle.set()
        beats.join()
    if errors:
        raise errors[0]


def run_with_background(
    tasks: Sequence[Callable[[threading.Event], None]],
    work: Callable[[threading.Event], None],
    stop: threading.Event,
) -> None:
    """Runs the work, and tasks on threads of their own so that they do not delay the work."""
    threads = [
        threading.Thread(target=task, args=(stop,), name="background", daemon=True)
        for task in tasks
    ]
    for thread in threads:
        thread.start()
    work(stop)
    for thread in threads:
        thread.join(BACKGROUND_STOP)


async def until(stop: threading.Event, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs a coroutine until ``stop`` is set. An earlier end sets ``stop`` and raises its error."""
    task = asyncio.create_task(work())
    waiting = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        stop.set()
        await task
    task.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)


def heartbeat(
    settings: Settings,
    database: OpenDatabase,
    me: Instance,
    works: Callable[[], bool] = lambda: True,
) -> Heartbeat:
    """The heartbeat of a service instance that is listed as down while ``works`` is false."""
    return Heartbeat(
        database.services,
        me,
        CLOCK,
        interval=settings.heartbeat_interval,
        limit=settings.service_down_time / 2,
        works=works,
    )


def nats(settings: Settings) -> NatsConnectionSettings:
    """The address and credentials of NATS.

    Raises:
        ValueError: the settings do not name a server.
    """
    if settings.nats.url is None:
        raise ValueError("[vigil] nats_url: is not set, and this command starts no server")
    return NatsConnectionSettings(tuple(settings.nats.url.split(",")), token=settings.nats.token)


def hint_stream(settings: Settings) -> HintStreamSettings:
    """The settings of the JetStream stream that carries hints."""
    return HintStreamSettings(replicas=settings.nats.replicas)
