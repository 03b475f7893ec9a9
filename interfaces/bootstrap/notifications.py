"""The listener: notifications in, amended models out."""

import logging
import threading
from functools import partial
from hashlib import sha256
from typing import Any

from application.cluster_models.amendment_store import amendable
from application.cluster_models.amendment_writer import AmendmentWriter
from application.cluster_models.collection import ModelCollector
from application.cluster_models.kinds import KINDS
from application.cluster_models.resync import AmendedKind, NotificationConsumer, ResyncScheduler
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.projections import StoreUnavailable
from application.workers.counting import FACT, NOTIFICATION, CountBuffer
from domain.kernel.metadata import Metadata
from infrastructure import read_models
from infrastructure.notifications.listener import Listener, Subscription
from infrastructure.notifications.translation import Outcomes
from infrastructure.settings import Settings
from infrastructure.settings.libraries import library_options
from interfaces.bootstrap.models import cloud_name, keepers
from interfaces.bootstrap.parts import connection, heartbeat
from interfaces.bootstrap.store import CLOCK, OpenDatabase

log = logging.getLogger(__name__)

CONSUMER = "vigil-listener"
"""What messages that could not be used are noted under, and the name of the service."""
OUTAGES = (ConcurrencyConflict, EventLogUnavailable, StoreUnavailable)
"""What has nothing to do with a message: it is told again."""


def follow(
    settings: Settings, store: OpenDatabase, metadata: Metadata, stop: threading.Event
) -> None:
    """Follows the cloud until told to stop.

    Raises:
        NotInstalled: oslo.messaging is missing.
        ValueError: the settings do not say where the message bus is.
    """
    kept = keepers(settings, store, connection(settings), metadata)
    counting = CountBuffer(store.counters, CLOCK)
    followed = {
        keeper.kind: _followed(settings, store, keeper, metadata, counting) for keeper in kept
    }
    follower = NotificationConsumer(
        {kind: one for kind, one in followed.items() if one is not None}
    )
    listener = _listener(settings, store, follower, counting)
    me = read_models.this_instance(CONSUMER, host=settings.host)
    idle = threading.Event()
    beside = [
        threading.Thread(target=follower.run, args=(stop,), name="recollections"),
        threading.Thread(target=counting.run, args=(idle,), name="counting"),
        threading.Thread(target=heartbeat(settings, store, me).run, args=(idle,), name="heartbeat"),
    ]
    for thread in beside:
        thread.start()
    try:
        listener.run(stop)
    finally:
        stop.set()
        idle.set()  # after the last batch, so that it is counted
        for thread in beside:
            thread.join()


def _followed(
    settings: Settings,
    store: OpenDatabase,
    keeper: ModelCollector[Any],
    metadata: Metadata,
    counting: CountBuffer,
) -> AmendedKind | None:
    how = amendable(KINDS[keeper.kind])
    if how is None:
        return None
    amender = AmendmentWriter(
        how,
        store.commands,
        store.records,
        cloud=cloud_name(settings),
        metadata=metadata,
        count=partial(counting.note, FACT, keeper.kind.value),
    )
    interval = settings.notifications.resync_interval
    return AmendedKind(amender, ResyncScheduler(keeper, CLOCK, interval=interval))


def _listener(
    settings: Settings, store: OpenDatabase, follower: NotificationConsumer, counting: CountBuffer
) -> Listener:
    chosen = settings.notifications
    if chosen.url is None:
        raise ValueError("[DEFAULT] transport_url: is not set")

    def quarantine(event: str, message: str, error: str) -> None:
        # the bus numbers nothing: the number is made of the id, so that a message is noted once
        number = int.from_bytes(sha256(message.encode()).digest()[:7])
        try:
            store.poison.put(CONSUMER, event, number, deliveries=1, error=error)
        except StoreUnavailable as outage:
            log.warning("the bad notification %s is noted in this log only: %s", message, outage)

    def count(outcomes: Outcomes) -> None:
        for (event, outcome), number in outcomes.items():
            counting.note(NOTIFICATION, event, outcome, number)

    return Listener(
        library_options(settings).load(),
        Subscription(
            url=chosen.url, topics=chosen.topics, pool=chosen.pool, interval=chosen.interval
        ),
        follower.record,
        postponed=OUTAGES,
        quarantine=quarantine,
        count=count,
    )
