"""One event that cannot be taken in never holds up the others."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_models import Page
from application.projections import all_projections
from application.projections.audits import AuditsProjection
from infrastructure.cron import next_match
from tests.conformance.read_models.test_audits import request
from tests.given import ident
from tests.world.world import World

AUDITS = 20
BAD = 7
"""Number of the audit whose event is bad."""


def refuse(_: RecordedEvent, __: Tables) -> None:
    raise RuntimeError("this one cannot be taken in")


class Brittle(AuditsProjection):
    """The projection of audits, which breaks at one audit.

    Args:
        defect: what happens there.
    """

    def __init__(self, defect: Callable[[RecordedEvent, Tables], None]) -> None:
        super().__init__(next_match)
        self._defect = defect

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        if recorded.aggregate_id == ident(BAD) and recorded.version == 1:
            self._defect(recorded, tables)
        super().handle(recorded, tables)


def projections(defect: Callable[[RecordedEvent, Tables], None]) -> list[Any]:
    sound = [one for one in all_projections(next_match) if one.schema.projection != "audits"]
    return [*sound, Brittle(defect)]


def bind_nonsense(recorded: RecordedEvent, tables: Tables) -> None:
    """A value that no column can hold; only the driver notices."""
    tables.update("audits", ident(1), {"status_message": object()})


@pytest.mark.parametrize("defect", [refuse, bind_nonsense])
@pytest.mark.parametrize("batch", [1, 6, 500])
def test_a_bad_event_is_found_set_aside_and_shown(
    world: World, defect: Callable[[RecordedEvent, Tables], None], batch: int
) -> None:
    world.log.save(*(request(number) for number in range(1, AUDITS + 1)))
    end = world.new_projector(projections(defect), batch=batch).catch_up()
    assert end == world.log.end()
    rows = world.reads.audits(Page(), {})
    assert [row.uuid for row in rows] == [ident(n) for n in range(1, AUDITS + 1) if n != BAD]
    assert len(world.reads.timeline(limit=1000)) == 2 * AUDITS
    (bad,) = world.reads.quarantine()
    assert (bad.projection, bad.topic, bad.aggregate_id) == (
        "audits",
        "audit.requested",
        ident(BAD),
    )
    assert bad.position == 2 * BAD - 1
    status = {one.name: one for one in world.reads.projections()}
    assert (status["audits"].quarantined, status["audits"].lag) == (1, 0)
    assert status["audits"].error == bad.error
    assert (status["timeline"].quarantined, status["timeline"].error) == (0, None)
    if defect is refuse:
        assert bad.error == "RuntimeError: this one cannot be taken in"


def test_a_repaired_projection_takes_in_what_was_quarantined(world: World) -> None:
    world.log.save(*(request(number) for number in range(1, AUDITS + 1)))
    world.new_projector(projections(refuse)).catch_up()
    report = world.new_projector().rebuild("audits")
    ((projection, table),) = report.differences
    assert (projection, table.table) == ("audits", "audits")
    assert (table.live_rows, table.built_rows) == (AUDITS - 1, AUDITS)
    assert table.examples == (str(ident(BAD)),)
    assert len(world.reads.audits(Page(), {})) == AUDITS
    assert world.reads.quarantine() == []


def test_an_unreadable_event_is_quarantined_by_those_who_want_it(world: World) -> None:
    world.log.save(*(request(number) for number in range(1, AUDITS + 1)))
    log_url = make_url(world.views_url)
    if log_url.get_backend_name() == "sqlite":
        log_url = log_url.set(database=str(log_url.database).replace("views.db", "events.db"))
        where = "rowid = 13"
    else:
        log_url = log_url.set(drivername="postgresql+psycopg")
        where = "notification_id = 13"
    engine = create_engine(log_url)
    with engine.begin() as connection:
        changed = text(f"UPDATE stored_events SET state = :state WHERE {where}")  # noqa: S608
        assert connection.execute(changed, {"state": b'{"name": 5}'}).rowcount == 1
    engine.dispose()
    world.new_projector().catch_up()
    bad = world.reads.quarantine()
    assert [(one.projection, one.position) for one in bad] == [("audits", 13), ("timeline", 13)]
    assert bad[0].aggregate_id == ident(BAD)
    assert len(world.reads.audits(Page(), {})) == AUDITS - 1
    assert len(world.reads.timeline(limit=1000)) == 2 * AUDITS - 1
