"""Several projectors, rebuilds, writers and readers at once."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import pytest
from sqlalchemy import Select, Update, select, tuple_, update

from application.ports.columns import ProjectionSchema, ReadColumn, ReadTable
from application.ports.event_log import RecordedEvent
from application.ports.projections import Overtaken, Tables
from application.ports.read_models import Page
from application.projections import Projector
from infrastructure.clock import SystemClock
from infrastructure.read_models import SqlProjectionStore, SqlReadModels, open_engine
from infrastructure.read_models.schema import PROJECTIONS, view
from tests.conformance.read_models.test_audits import request
from tests.integration.projections.dump import dump
from tests.world.histories import RandomHistory
from tests.world.world import World

PATIENCE = 60.0
"""Seconds that a test waits for what must come."""


@contextmanager
def projecting(world: World, *batches: int) -> Iterator[None]:
    """Projectors with connections of their own, as in processes of their own."""
    stop = threading.Event()
    engines = [open_engine(world.views_url) for _ in batches]
    threads = []
    for engine, batch in zip(engines, batches, strict=True):
        projector = world.new_projector(batch=batch, engine=engine)
        threads.append(threading.Thread(target=projector.run, args=(stop,)))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        for engine in engines:
            engine.dispose()
    assert not any(thread.is_alive() for thread in threads)


class Reader:
    """Reads all the while in a thread of its own; whatever goes wrong is kept."""

    def __init__(self, world: World, look: Callable[[SqlReadModels], None]) -> None:
        self._engine = open_engine(world.views_url)
        self._models = SqlReadModels(self._engine, SystemClock(), world.log.end)
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.looks = 0
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        self._engine.dispose()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self._look(self._models)
            except BaseException as failure:  # noqa: BLE001 - the test raises it
                self.failures.append(failure)
                return
            self.looks += 1


def test_projectors_at_once_take_in_each_event_once(world: World) -> None:
    with projecting(world, 1, 3, 500):
        for touched in RandomHistory(5).saves(300):
            position = world.log.save(*touched)
        assert world.reads.await_position(position, PATIENCE)
    concurrent = dump(world)
    assert world.reads.quarantine() == []
    assert world.new_projector().rebuild().differences == ()
    assert dump(world) == concurrent


def look(models: SqlReadModels) -> None:
    page = Page(limit=1000)
    assert len(models.audits(page, {})) >= 40
    assert models.actions(page, {}) is not None
    assert len(models.timeline(limit=1000)) >= 80
    assert len(models.goals(page)) == 3
    assert len(models.strategies(page, {"goal": "dummy"})) == 1
    assert models.action_plans(page, {}) is not None


@pytest.mark.timeout(240)
def test_readers_never_notice_a_rebuild(world: World) -> None:
    """Continuous queries while everything is rebuilt, written and projected: no error, no gap."""
    catalogue = next(iter(RandomHistory(1).saves(0)))
    world.save(*catalogue, *(request(number) for number in range(1, 41)))
    with projecting(world, 500), Reader(world, look) as one, Reader(world, look) as other:
        for number in range(1, 7):
            world.log.save(*(request(number * 1000 + more) for more in range(20)))
            assert world.new_projector(batch=37).rebuild().differences == ()
    for reader in (one, other):
        assert reader.failures == []
        assert reader.looks > 3
    assert len(world.reads.audits(Page(), {})) == 160


def test_a_projector_takes_a_new_generation_along(world: World) -> None:
    """While writers never pause: the rebuild must still find a moment to compare."""
    stop = threading.Event()

    def write() -> None:
        number = 100
        while not stop.is_set():
            world.log.save(request(number))
            number += 1

    writer = threading.Thread(target=write)
    with projecting(world, 500):
        writer.start()
        try:
            for _ in range(3):
                report = world.new_projector().rebuild()
                assert report.differences == ()
                assert all(one.compared is not None for one in report.projections)
        finally:
            stop.set()
            writer.join(PATIENCE)
        assert world.reads.await_position(world.log.end(), PATIENCE)
    before = dump(world)
    assert world.new_projector().rebuild().differences == ()
    assert dump(world) == before


def test_damaged_rows_are_reported_and_repaired_by_a_rebuild(world: World) -> None:
    world.save(*(request(number) for number in range(1, 11)))
    with world.views_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audits_g1 SET state = 'FAILED' WHERE name = 'audit 3'")
        connection.exec_driver_sql("DELETE FROM timeline_g1 WHERE position = 4")
    report = world.new_projector().rebuild()
    found = {table.table: table for _, table in report.differences}
    assert found.keys() == {"audits", "timeline"}
    assert (found["timeline"].live_rows, found["timeline"].built_rows) == (19, 20)
    assert found["timeline"].examples == ("4",)
    damaged = world.reads.audit("audit 3")
    assert damaged is not None
    assert damaged.state == "PENDING"
    assert found["audits"].examples == (str(damaged.uuid),)
    assert world.new_projector().rebuild().differences == ()


# -- the guard, and what it guards against ---------------------------------------------------------


class Counter:
    """Counts events: what a doubled event would show in."""

    topics = None
    table = ReadTable(
        "counter",
        key="name",
        columns={"name": ReadColumn(str), "n": ReadColumn(int)},
    )
    schema = ProjectionSchema("counter", 1, (table,))

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        if tables.get("counter", "all") is None:
            tables.insert("counter", {"name": "all", "n": 0})
        tables.add("counter", "all", {"n": 1})


class Careless(SqlProjectionStore):
    """The seeded defect: takes any batch that ends further on, wherever it began."""

    def _standing(
        self, after: int, schemas: Mapping[str, ProjectionSchema], only: Any
    ) -> Select[str, int]:
        row = PROJECTIONS.c
        return select(row.name, row.generation).where(row.name.in_(schemas))

    def _guard(self, after: int, upto: int, mine: Sequence[tuple[str, int]]) -> Update:
        row = PROJECTIONS.c
        return (
            update(PROJECTIONS)
            .where(tuple_(row.name, row.generation).in_(mine), row.position < upto)
            .values(position=upto)
            .returning(row.name, row.generation)
        )


def counted(world: World, store: SqlProjectionStore) -> int:
    """What two projectors count that cut the log at different places: 0-4, and 0-10."""
    projector = Projector(world.log, store, [Counter()], SystemClock())
    projector.prepare()
    world.log.save(*(request(number) for number in range(1, 6)))
    entries = world.log.read(0, 100)
    projector._batches.apply(0, entries[:4])
    projector._batches.apply(0, entries)  # read by the other one before the first had committed
    projector.catch_up()
    with world.views_engine.connect() as connection:
        return int(connection.execute(select(view(Counter.table).c.n)).scalar_one())


def test_batches_cut_at_different_places_do_not_count_an_event_twice(world: World) -> None:
    assert counted(world, SqlProjectionStore(world.views_engine)) == 10


def test_a_guard_that_only_looks_at_the_end_of_a_batch_would_count_twice(world: World) -> None:
    assert counted(world, Careless(world.views_engine)) == 14


def count(store: SqlProjectionStore, name: str, upto: int, meanwhile: Callable[[], None]) -> None:
    """A projector that counts the events up to a position in a row of its own."""
    with store.advance(0, upto, {"counter": Counter.schema}) as targets:
        targets[0].tables.insert("counter", {"name": name, "n": upto})
        meanwhile()


def test_a_batch_that_another_projector_commits_first_is_not_written(world: World) -> None:
    """Rows are read and computed without a lock: who commits second must write nothing."""
    store = SqlProjectionStore(world.views_engine)
    store.prepare([Counter.schema])
    with pytest.raises(Overtaken):
        count(store, "slow", 2, lambda: count(store, "fast", 1, lambda: None))
    assert [one.position for one in store.checkpoints() if one.projection == "counter"] == [1]
    with world.views_engine.connect() as connection:
        assert connection.execute(select(view(Counter.table).c.name)).scalars().all() == ["fast"]
