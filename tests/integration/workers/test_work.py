"""What a role that works on hints is made of: heartbeat, hints and slots, and how they end."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from application.workers.heartbeat import Heartbeat
from application.workers.worker import Worker
from infrastructure.clock import SystemClock
from infrastructure.messaging import EmbeddedNats, Relay
from infrastructure.read_models import this_instance
from infrastructure.settings import Settings, load
from interfaces.bootstrap.database import OpenDatabase, upgrade
from interfaces.bootstrap.workers import run_worker, until
from tests.given import ident
from tests.integration.messaging.appending import append
from tests.integration.notifications.waiting import until as eventually

CLOCK = SystemClock()
PATIENCE = 30.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an installation whose NATS server is away."""
    flags = {"vigil.data_dir": str(tmp_path), "vigil.nats_url": "nats://127.0.0.1:9"}
    found = load(flags=flags, files=[]).settings
    upgrade(found)
    return found


@pytest.fixture
def store(settings: Settings) -> Iterator[OpenDatabase]:
    store = OpenDatabase(settings)
    yield store
    store.close()


def test_an_instance_retires_only_when_its_last_slot_is_empty(
    settings: Settings, store: OpenDatabase
) -> None:
    """It retired as soon as it was told to stop, with a call to the cloud still under way: a
    successor could take the plan over at once and ask a second time."""
    me = this_instance("watcher-applier", host="here")
    beat = Heartbeat(store.services, me, CLOCK, interval=0.01, limit=10.0)
    stop, inside = threading.Event(), threading.Event()
    presumed_dead: list[bool] = []

    def process(_: UUID, __: Callable[[], None]) -> None:
        inside.set()
        stop.wait(PATIENCE)
        end = CLOCK.monotonic() + 0.5  # a call to the cloud that takes a while to be answered
        while CLOCK.monotonic() < end:
            presumed_dead.append(store.services.is_presumed_dead(me.id))
            CLOCK.sleep(0.01)

    worker = Worker("applier", 1, process, lambda: [ident(1)], interval=60, clock=CLOCK)
    arguments = (settings, store, worker, beat, ("plan.launched",), stop)
    thread = threading.Thread(target=run_worker, args=arguments)
    thread.start()
    assert inside.wait(PATIENCE)
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert presumed_dead
    assert not any(presumed_dead)
    assert store.services.is_presumed_dead(me.id)


def test_an_error_of_listening_ends_the_role_with_that_error(
    settings: Settings, store: OpenDatabase
) -> None:
    """It was printed by its thread, and the process said that all had gone well."""
    beat = Heartbeat(store.services, this_instance("x", host="here"), CLOCK, interval=5, limit=10.0)
    worker = Worker("applier", 1, lambda *_: None, list, interval=60, clock=CLOCK)
    with pytest.raises(ValueError, match="wants no topic"):
        run_worker(settings, store, worker, beat, (), threading.Event())


def test_a_busy_worker_leaves_hints_to_an_idle_one(settings: Settings, store: OpenDatabase) -> None:
    """Five plans were launched: the busy applier took the hints of most and acknowledged none; the
    idle one waited for its sweep, half a minute later."""
    server = EmbeddedNats(settings.data_dir / "nats")
    server.start()
    nats = replace(settings.nats, url=server.url, token=server.settings.token)
    reachable = replace(settings, nats=nats)
    stop, release, lock = threading.Event(), threading.Event(), threading.Lock()
    taken: dict[str, set[UUID]] = {"busy": set(), "idle": set()}

    def process_as(name: str) -> Callable[[UUID, Callable[[], None]], None]:
        def process(key: UUID, claimed: Callable[[], None]) -> None:
            with lock:
                taken[name].add(key)
            claimed()
            if name == "busy":
                release.wait(PATIENCE)

        return process

    def run(name: str) -> threading.Thread:
        beat = Heartbeat(store.services, this_instance(name, host=name), CLOCK, interval=5, limit=9)
        worker = Worker("shared", 1, process_as(name), list, interval=3600, clock=CLOCK)
        arguments = (reachable, store, worker, beat, ("command.handled",), stop)
        thread = threading.Thread(target=run_worker, args=arguments)
        thread.start()
        return thread

    relay = threading.Thread(
        target=lambda: asyncio.run(until(stop, Relay(store.log, server.settings).run))
    )
    relay.start()
    threads = [relay, run("busy")]
    try:
        append(store.log, 1)
        eventually(lambda: taken["busy"], "the busy one has its plan")
        threads.append(run("idle"))
        append(store.log, 4)
        eventually(lambda: len(taken["idle"]) == 4, "the idle one gets all others")
        assert len(taken["busy"]) == 1
    finally:
        release.set()
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        server.stop()
