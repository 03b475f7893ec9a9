"""What a role that works on hints is made of: heartbeat, hints and slots, and how they end."""

import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from application.workers.heartbeat import Heartbeat
from application.workers.worker import Worker
from infrastructure.clock import SystemClock
from infrastructure.read_models import this_instance
from infrastructure.settings import Settings, load
from interfaces.bootstrap.database import OpenDatabase, upgrade
from interfaces.bootstrap.workers import run_worker
from tests.given import ident

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

    def process(_: UUID) -> None:
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
    worker = Worker("applier", 1, lambda _: None, list, interval=60, clock=CLOCK)
    with pytest.raises(ValueError, match="wants no topic"):
        run_worker(settings, store, worker, beat, (), threading.Event())
