"""Tables of a new version are built beside the old ones, which stay readable until the switch."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import inspect, select

from application.ports.columns import ProjectionSchema, ReadColumn, ReadTable
from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import AUDITS
from application.projections import Projector, RebuildLost, RebuildRefused
from infrastructure.clock import SystemClock
from infrastructure.read_models import SqlProjectionStore, upgrade
from infrastructure.read_models.schema import view
from tests.conformance.read_models.test_audits import request
from tests.world.world import World


class Counts:
    """How many events each topic has: a projection whose schema can change."""

    topics = None

    def __init__(self, version: int = 1, **columns: ReadColumn) -> None:
        known = {
            "topic": ReadColumn(str),
            "events": ReadColumn(int),
            **columns,
        }
        self.table = ReadTable("topic_counts", key="topic", columns=known)
        self.schema = ProjectionSchema("counts", version, (self.table,))
        self._further = columns

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        if tables.get("topic_counts", recorded.topic) is None:
            further = dict.fromkeys(self._further, "new")
            tables.insert("topic_counts", {"topic": recorded.topic, "events": 0, **further})
        tables.add("topic_counts", recorded.topic, {"events": 1})


def rows(world: World, counts: Counts) -> list[Any]:
    with world.views_engine.connect() as connection:
        found = connection.execute(select(view(counts.table)).order_by("topic"))
        return [tuple(row) for row in found]


def test_a_newer_version_is_shown_once_it_has_caught_up(world: World) -> None:
    old, new = Counts(), Counts(2, note=ReadColumn(str))
    world.log.save(*(request(number) for number in range(1, 9)))
    world.new_projector([old]).catch_up()
    assert rows(world, old) == [("audit.requested", 8), ("audit.run-requested", 8)]
    upgraded = world.new_projector([new], batch=5)
    upgraded.prepare()
    upgraded.step()
    assert rows(world, old) == [("audit.requested", 8), ("audit.run-requested", 8)]
    status = {one.name: one for one in world.reads.projections()}["counts"]
    assert (status.version, status.building, status.lag) == (1, True, 0)
    world.log.save(request(9))
    upgraded.catch_up()
    assert rows(world, new) == [("audit.requested", 9, "new"), ("audit.run-requested", 9, "new")]
    status = {one.name: one for one in world.reads.projections()}["counts"]
    assert (status.version, status.building) == (2, False)


def test_the_tables_that_are_no_longer_shown_are_dropped(world: World) -> None:
    world.log.save(request(1))
    for version in (1, 2):
        world.new_projector([Counts(version)]).catch_up()
    world.new_projector([Counts(2)]).rebuild()
    made = [
        name for name in inspect(world.views_engine).get_table_names() if "topic_counts" in name
    ]
    assert made == ["topic_counts_g3"]


def test_rebuilt_tables_have_the_same_indexes(world: World) -> None:
    world.log.save(request(1))
    projector = world.new_projector()
    projector.catch_up()
    before = indexes(world, AUDITS.name)
    assert ("state", "id") in before
    projector.rebuild()
    assert indexes(world, AUDITS.name) == before


def indexes(world: World, table: str) -> list[tuple[str | None, ...]]:
    """The columns of each index of the active generation of a table."""
    inspector = inspect(world.views_engine)
    (name,) = (one for one in inspector.get_table_names() if one.startswith(f"{table}_g"))
    return sorted(tuple(one["column_names"]) for one in inspector.get_indexes(name))


def test_older_code_leaves_newer_tables_alone(world: World) -> None:
    new = Counts(2)
    world.log.save(request(1))
    world.new_projector([new]).catch_up()
    before = rows(world, new)
    world.log.save(request(2))
    old = world.new_projector([Counts(1)])
    assert old.catch_up() == world.log.end()  # nothing of its own is behind
    assert rows(world, new) == before
    with pytest.raises(RebuildRefused, match="active in version 2"):
        old.rebuild()
    world.new_projector([new]).catch_up()
    assert rows(world, new) == [("audit.requested", 2), ("audit.run-requested", 2)]


def test_projectors_that_start_at_once_make_one_generation(world: World) -> None:
    starts: list[Callable[[], None]] = [
        world.new_projector([Counts(version)]).prepare for version in (1, 1, 1, 1)
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(start) for start in starts]:
            done.result(30)
    checkpoints = SqlProjectionStore(world.views_engine).checkpoints()
    assert [one.generation for one in checkpoints if one.projection == "counts"] == [1]


def test_an_upgrade_may_be_repeated_and_done_by_several_at_once(world: World) -> None:
    world.save(request(1))
    before = SqlProjectionStore(world.views_engine).checkpoints()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(upgrade, world.views_url) for _ in range(4)]:
            done.result(60)
    assert SqlProjectionStore(world.views_engine).checkpoints() == before
    assert len(world.reads.timeline()) == 2


def test_of_two_rebuilds_the_later_one_wins(world: World) -> None:
    """The first finds its tables gone, says so, and leaves what is shown alone."""
    counts = Counts()
    world.log.save(request(1))
    world.new_projector([counts]).catch_up()

    class Interrupted(SqlProjectionStore):
        """Somebody else begins to rebuild just before the switch."""

        def activate(self, schema: ProjectionSchema, built: Any) -> bool:
            SqlProjectionStore(self._engine).build(schema)
            return super().activate(schema, built)

    first = Projector(world.log, Interrupted(world.views_engine), [counts], SystemClock())
    with pytest.raises(RebuildLost):
        first.rebuild()
    assert rows(world, counts) == [("audit.requested", 1), ("audit.run-requested", 1)]
    assert world.new_projector([counts]).rebuild().differences == ()


def test_a_rebuild_reaches_the_end_of_the_log_though_no_projector_ever_ran(world: World) -> None:
    """It folded up to where the empty tables stood, position 0, and said that all was well."""
    counts = Counts()
    world.log.save(*(request(number) for number in range(1, 8)))
    report = world.new_projector([counts], batch=3).rebuild()
    assert (report.events, report.position) == (14, world.log.end())
    assert rows(world, counts) == [("audit.requested", 7), ("audit.run-requested", 7)]


def test_a_rebuild_goes_on_from_where_the_last_projector_stopped(world: World) -> None:
    """And what that one showed is compared, with what has come since."""
    counts = Counts()
    world.log.save(request(1), request(2))
    world.new_projector([counts]).catch_up()
    with world.views_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE topic_counts_g1 SET events = events + 1")
    world.log.save(*(request(number) for number in range(3, 8)))
    report = world.new_projector([counts], batch=3).rebuild()
    assert [table.table for _, table in report.differences] == ["topic_counts"]
    assert rows(world, counts) == [("audit.requested", 7), ("audit.run-requested", 7)]
    assert world.new_projector([counts]).catch_up() == report.position == world.log.end()


def test_a_standing_of_another_version_is_not_advanced(world: World) -> None:
    counts = Counts()
    world.new_projector([counts]).prepare()
    store = SqlProjectionStore(world.views_engine)
    newer = replace(counts.schema, version=2)
    with store.advance(0, 5, {"counts": newer}) as targets:
        assert list(targets) == []
    with store.advance(0, 5, {"counts": counts.schema}) as targets:
        assert [one.projection for one in targets] == ["counts"]
