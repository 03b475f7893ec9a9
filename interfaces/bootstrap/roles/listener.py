"""Amends the collected models with the notifications of Nova and Cinder."""

import logging
import threading
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from application.cluster_models.amendment_store import amendable
from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.collection import ModelCollector
from application.cluster_models.kinds import KINDS
from application.cluster_models.resync import AmendedKind, NotificationConsumer, ResyncScheduler
from application.cluster_models.vouching import Voucher
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.workers.counting import FACT, NOTIFICATION, CountBuffer
from domain.cluster.kinds import ModelKind
from domain.kernel.metadata import Metadata, component
from infrastructure import read_models
from infrastructure.notifications.listener import Listener, Subscription, library
from infrastructure.notifications.translation import Outcomes
from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from infrastructure.settings.libraries import library_options
from interfaces.bootstrap.cloud import connection
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.queries import cloud_name
from interfaces.bootstrap.roles import Work, instance_name
from interfaces.bootstrap.workers import heartbeat

log = logging.getLogger(__name__)

CONSUMER = "vigil-listener"
"""Name of the service, and of the consumer of messages in quarantine."""
RELEASE = 180.0
"""Seconds after which a message bus has taken back the messages of a listener that is dead."""
OUTAGES = (ConcurrencyConflict, EventLogUnavailable, StoreUnavailable)
"""Errors that the message did not cause: it is delivered again."""


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Follows the cloud's notifications."""
    library()  # fails before the role reports that it is ready
    metadata = Metadata(component("listener", instance_name(settings)))
    return partial(follow, settings, database, metadata, stop)


def follow(
    settings: Settings, database: OpenDatabase, metadata: Metadata, stop: threading.Event
) -> None:
    """Consumes notifications until ``stop`` is set.

    Raises:
        NotInstalled: oslo.messaging is missing.
        ValueError: the settings do not name a message bus.
    """
    collectors = model_collectors(settings, database, connection(settings), metadata)
    counters = CountBuffer(database.counters, CLOCK)
    amended = {
        each.kind: kind
        for each in collectors
        if (kind := _amended(settings, database, each, metadata, counters)) is not None
    }
    voucher = _voucher(settings, database, amended)
    consumer = NotificationConsumer(amended, voucher.note)
    listener = _listener(settings, database, consumer, voucher, counters)
    me = read_models.this_instance(CONSUMER, host=settings.host)
    idle = threading.Event()
    beats = heartbeat(settings, database, me, works=listener.is_listening)
    threads = [
        threading.Thread(target=consumer.run, args=(stop,), name="resync"),
        threading.Thread(target=counters.run, args=(idle,), name="counters"),
        threading.Thread(target=beats.run, args=(idle,), name="heartbeat"),
    ]
    for thread in threads:
        thread.start()
    try:
        listener.run(stop)
    finally:
        stop.set()
        idle.set()  # after the last batch, so that it is counted
        for thread in threads:
            thread.join()


def _amended(
    settings: Settings,
    database: OpenDatabase,
    collector: ModelCollector[Any],
    metadata: Metadata,
    counters: CountBuffer,
) -> AmendedKind | None:
    how = amendable(KINDS[collector.kind])
    if how is None:
        return None
    writer = AmendmentWriter(
        how,
        database.commands,
        database.records,
        cloud=cloud_name(settings),
        metadata=metadata,
        count=partial(counters.note, FACT, collector.kind.value),
    )
    interval = settings.notifications.resync_interval
    return AmendedKind(writer, ResyncScheduler(collector, CLOCK, interval=interval))


def _voucher(
    settings: Settings, database: OpenDatabase, amended: Mapping[ModelKind, AmendedKind]
) -> Voucher:
    def is_alone() -> bool:
        others = (
            row.last_seen_up
            for row in database.services.rows()
            if row.name == CONSUMER and row.host != settings.host
        )
        return all((CLOCK.now() - seen).total_seconds() > RELEASE for seen in others)

    return Voucher(
        amended,
        SqlCollectedModels(database.engine),
        CLOCK,
        cloud=cloud_name(settings),
        limit=settings.collector.reconcile_interval,
        is_alone=is_alone,
    )


def _listener(
    settings: Settings,
    database: OpenDatabase,
    consumer: NotificationConsumer,
    voucher: Voucher,
    counters: CountBuffer,
) -> Listener:
    chosen = settings.notifications
    if chosen.url is None:
        raise ValueError("[DEFAULT] transport_url: is not set")

    def quarantine(event: str, message: str, error: str) -> None:
        # messages have no sequence number; one derived from the id stores each message once
        number = int.from_bytes(sha256(message.encode()).digest()[:7])
        try:
            database.poison.put(CONSUMER, event, number, deliveries=1, error=error)
        except StoreUnavailable as outage:
            log.warning("notification %s is invalid and only logged here: %s", message, outage)

    def count(outcomes: Outcomes) -> None:
        for (event, outcome), number in outcomes.items():
            counters.note(NOTIFICATION, event, outcome, number)

    return Listener(
        library_options(settings).load(),
        Subscription(
            url=chosen.url, topics=chosen.topics, pool=chosen.pool, interval=chosen.interval
        ),
        consumer.record,
        postponed=OUTAGES,
        quarantine=quarantine,
        count=count,
        vouch=voucher.vouch,
    )
