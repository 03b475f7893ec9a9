"""How fast the read models are rebuilt, against reading alone and the library's way of projecting.

The log is a story of audits, plans and their actions. Figures of one run are comparable with each
other: the machine's load moves all of them.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time

import psycopg

from application.ports.event_log import EventLog
from application.projections import Projector, all_projections
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.event_log import open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.read_models import SqlProjectionStore, open_engine, upgrade
from tests.postgres import ENVIRONMENT, Server
from tests.world.histories import RandomHistory

Row = tuple[str, float, str]

CHAPTERS = 12_000
"""Saves of the story: some twenty thousand events."""
ONE_BY_ONE = 600
"""Events folded one per transaction: enough for a rate, few enough to wait for."""
BATCH = 500


def run() -> list[Row]:
    """(what, figure, unit) for SQLite, and for PostgreSQL if ``VIGIL_TEST_POSTGRES`` names one."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{Path(folder) / name}.db" for name in ("events", "views", "single")]
        rows = _measure("SQLite", *files)
    named = os.environ.get(ENVIRONMENT)
    if named and _reachable(named):
        server = Server(named)
        databases = [server.create() for _ in range(3)]
        try:
            rows += _measure("PostgreSQL", *databases)
        finally:
            for database in databases:
                server.drop(database)
    return rows


def _measure(name: str, log_url: str, views: str, single: str) -> list[Row]:
    upgrade_log(log_url)
    upgrade(views)
    upgrade(single)
    log = open_event_log(log_url)
    try:
        for touched in RandomHistory(1, actions=12).saves(CHAPTERS):
            log.save(*touched)
        return _rates(name, log, views, single)
    finally:
        log.close()


def _rates(name: str, log: EventLog, views: str, single: str) -> list[Row]:
    with _projector(views, log, BATCH) as projector:
        reading, reading_cpu = _rate(lambda: _read(log))
        first, _ = _rate(lambda: _first(projector, log))
        folding, folding_cpu = _rate(lambda: _anew(projector))
    with _projector(single, log, 1) as projector:
        one_by_one, _ = _rate(lambda: _steps(projector, ONE_BY_ONE))
    return [
        (f"{name}: read and decode only", reading, "events/s"),
        (f"{name}: first fold", first, "events/s"),
        (f"{name}: rebuild of everything, compared and switched", folding, "events/s"),
        (f"{name}: rebuild / read and decode, CPU", folding_cpu / reading_cpu, "ratio"),
        (f"{name}: one event per transaction", one_by_one, "events/s"),
        (f"{name}: rebuild / one event per transaction", folding / one_by_one, "times"),
    ]


@contextmanager
def _projector(views: str, log: EventLog, batch: int) -> Iterator[Projector]:
    engine = open_engine(views)
    store = SqlProjectionStore(engine)
    yield Projector(log, store, all_projections(next_match), SystemClock(), batch=batch)
    engine.dispose()


def _rate(work: Callable[[], int]) -> tuple[float, float]:
    """Events per second of wall and of CPU time."""
    began, began_cpu = perf_counter(), process_time()
    count = work()
    return count / (perf_counter() - began), count / (process_time() - began_cpu)


def _read(log: EventLog) -> int:
    after = count = 0
    while entries := log.read(after, BATCH):
        after, count = entries[-1].position, count + len(entries)
    return count


def _first(projector: Projector, log: EventLog) -> int:
    projector.catch_up()
    return log.end()  # nobody else wrote: positions have no holes


def _anew(projector: Projector) -> int:
    report = projector.rebuild()
    if report.differences:
        raise AssertionError(f"the read models are not as the log says: {report.differences}")
    return report.events


def _steps(projector: Projector, count: int) -> int:
    """What the library's own runner does: one event, one transaction."""
    for _ in range(count):
        projector.step()
    return count


def _reachable(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    for what, figure, unit in run():
        print(f"{what:60} {figure:12,.2f} {unit}")
