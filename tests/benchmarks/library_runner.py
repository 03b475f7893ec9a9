"""The library's own projection runner, with our folds and our tables: one event per transaction.

On PostgreSQL only: the library cannot follow an SQLite event store.
"""

import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Mapper as LibraryMapper
from eventsourcing.persistence import StoredEvent, Tracking, TrackingRecorder
from eventsourcing.projection import BaseProjectionRunner, Projection

from application.ports.event_log import RecordedEvent
from application.projections import Projector, all_projections
from application.projections.batch_projector import BatchProjector
from domain.kernel.aggregate import Event
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from infrastructure.read_models import SqlProjectionStore, open_engine, upgrade, views_url
from tests.benchmarks.ground import database
from tests.benchmarks.report import Figure
from tests.world.histories import RandomHistory

CHAPTERS = 2500
"""Saves of the story: some four thousand events."""
EVENTS = 600
"""The first of them, which the library's runner folds; ours folds the others."""
PATIENCE = 120.0


class Events(LibraryMapper[UUID]):
    """Reads our stored events for the library."""

    def __init__(self) -> None:
        self._mapper = Mapper(event_types)

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        """The event of a row."""
        return self._mapper.to_event(stored_event)


class Log(Application[UUID]):
    """Our event log as an application of the library."""

    name = "stored"  # the prefix of its tables

    def construct_mapper(self) -> LibraryMapper[UUID]:
        """Ours."""
        return Events()


class View(TrackingRecorder):
    """Our read tables: the position is moved in the transaction of the fold."""

    def __init__(self, folder: BatchProjector) -> None:
        self._folder = folder
        self.position = 0
        self.count = 0
        self.begun = self.ended = 0.0
        self.done = threading.Event()

    def take(self, event: Event, position: int) -> None:
        """Folds one event."""
        if not self.count:
            self.begun = time.perf_counter()
        topic = str(vars(type(event))["TOPIC"])
        self._folder.apply(self.position, [RecordedEvent(position, topic, event)])
        self.position = position
        self.count += 1
        if self.count == EVENTS:
            self.ended = time.perf_counter()
            self.done.set()

    def insert_tracking(self, tracking: Tracking) -> None:
        """Never: ``take`` moves the position."""
        raise NotImplementedError(tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Where it stands."""
        del application_name
        return self.position or None


class OneByOne(Projection[View]):
    """All our projections as one of the library's."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Takes in one event."""
        self.view.take(domain_event, tracking.notification_id)


def run() -> list[Figure]:
    """Events per second in one log: the library's runner, ours, and the ratio."""
    with TemporaryDirectory() as folder, database("postgresql", Path(folder), durable=False) as url:
        upgrade_log(url)
        upgrade(views_url(url))
        log = open_event_log(url)
        engine = open_engine(views_url(url))
        try:
            for touched in RandomHistory(1, actions=12).saves(CHAPTERS):
                log.save(*touched)
            store = SqlProjectionStore(engine)
            projector = Projector(log, store, all_projections(next_match), SystemClock())
            projector.prepare()
            view = _followed(url, BatchProjector(store, all_projections(next_match), SystemClock()))
            left = log.end() - view.position  # nobody else wrote: positions have no holes
            begun = time.perf_counter()
            projector.catch_up()
            ours = left / (time.perf_counter() - begun)
        finally:
            engine.dispose()
            log.close()
    theirs = EVENTS / (view.ended - view.begun)
    return [
        ("PostgreSQL: fold by the library's own runner", theirs, "events/s"),
        ("PostgreSQL: fold of the rest of the same log by ours", ours, "events/s"),
        ("PostgreSQL: ours / the library's own runner", ours / theirs, "times"),
    ]


def _followed(url: str, folder: BatchProjector) -> View:
    """The tables when the library's runner has folded some events."""
    parts = urlsplit(url)
    view = View(folder)
    runner = BaseProjectionRunner(
        projection=OneByOne(view),
        application_class=Log,
        tracking_recorder=view,
        topics=(),
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": parts.password or "",
            "CREATE_TABLE": "no",
        },
    )
    with runner:
        if not view.done.wait(PATIENCE):
            runner.run_forever(0)  # raises what ended it, if something did
            raise AssertionError(f"only {view.count} events within {PATIENCE:g} s")
    runner.app.close()
    return view


if __name__ == "__main__":
    for what, figure, unit in run():
        print(f"{what:60} {figure:12,.2f} {unit}")
