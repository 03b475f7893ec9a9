"""Sends Vigil's own notifications."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

from application.notifier.publisher import Publisher
from application.notifier.service_watch import ServiceWatch
from application.notifier.transport_claim import TransportClaim
from application.workers.counting import CountBuffer
from application.workers.heartbeat import Heartbeat
from domain.kernel.metadata import Metadata, component
from infrastructure import read_models
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.notifier import composer, transports
from interfaces.bootstrap.roles import Work, instance_name
from interfaces.bootstrap.workers import heartbeat

SERVICE = "vigil-notifier"
GRACE = 10.0
"""Seconds to wait for the transports after a stop. What they did not confirm is sent again."""


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Follows the log, a thread for each transport; records changes of services."""
    me = read_models.this_instance(SERVICE, host=settings.host)
    counters = CountBuffer(database.counters, CLOCK)
    publishers = [
        Publisher(
            database.log,
            TransportClaim(database.transports, database.services, transport.name, me.id),
            composer(settings, database),
            transport,
            board=database.poison,
            counters=counters,
            clock=CLOCK,
        )
        for transport in transports(settings)
    ]
    watch = ServiceWatch(
        database.services,
        database.commands,
        Metadata(component("notifier", instance_name(settings))),
        interval=settings.heartbeat_interval,
        clock=CLOCK,
    )
    works = {one.name: one.run for one in publishers} | {"watch": watch.run}
    return partial(run, works, heartbeat(settings, database, me), counters, stop)


def run(
    works: Mapping[str, Callable[[threading.Event], None]],
    beats: Heartbeat,
    counters: CountBuffer,
    stop: threading.Event,
) -> None:
    """Runs some works until ``stop`` is set. The heartbeat goes on until the last one ends."""
    beats.beat()  # a holder of a transport must be registered
    idle = threading.Event()
    around = [
        threading.Thread(target=counters.run, args=(idle,), name="counters"),
        threading.Thread(target=beats.run, args=(idle,), name="heartbeat"),
    ]
    threads = [
        threading.Thread(target=work, args=(stop,), name=name, daemon=True)
        for name, work in works.items()
    ]
    for thread in (*around, *threads):
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(GRACE)
    idle.set()
    for thread in around:
        thread.join()
