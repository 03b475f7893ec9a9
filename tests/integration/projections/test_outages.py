"""An outage is waited out: no event is held guilty of it."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from application.ports.projections import StoreUnavailable
from application.ports.read_models import Page
from infrastructure.clock import SystemClock
from infrastructure.event_log import open_event_log
from infrastructure.event_log import upgrade as upgrade_log
from infrastructure.read_models import SqlReadModels, open_engine
from tests.conformance.read_models.test_audits import request
from tests.world.world import World


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come true")
        time.sleep(0.01)


@pytest.fixture
def waited(caplog: pytest.LogCaptureFixture) -> Callable[[], bool]:
    caplog.set_level(logging.WARNING)
    return lambda: any("projections retry in" in record.message for record in caplog.records)


def test_missing_tables_are_waited_for(world: World, waited: Callable[[], bool]) -> None:
    world.save(request(1))
    with world.views_engine.begin() as connection:
        connection.execute(text("ALTER TABLE timeline_g1 RENAME TO elsewhere"))
    position = world.log.save(request(2))
    stop = threading.Event()
    thread = threading.Thread(target=world.new_projector().run, args=(stop,))
    thread.start()
    try:
        until(waited)
        with pytest.raises(StoreUnavailable):
            world.new_projector().catch_up()
        with world.views_engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO timeline_g1"))
        assert world.reads.await_position(position, 30)
    finally:
        stop.set()
        thread.join(30)
    assert world.reads.quarantine() == []
    assert len(world.reads.audits(Page(), {})) == 2


def test_severed_connections_are_opened_again(postgres_url: str) -> None:
    upgrade_log(postgres_url)
    log = open_event_log(postgres_url)
    world = World(postgres_url, log)
    engine = open_engine(world.views_url)
    projector = world.new_projector(batch=2, engine=engine)
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    sever = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'vigil-read-models' AND pid <> pg_backend_pid() "
        "AND datname = current_database()"
    )
    position = 0
    try:
        for number in range(1, 60):
            position = log.save(request(number))
            if number % 6 == 0:
                with world.views_engine.connect() as connection:
                    connection.execute(sever)
        until(lambda: world.reads.await_position(position, 1))
    finally:
        stop.set()
        thread.join(30)
        engine.dispose()
    assert world.reads.quarantine() == []
    assert world.new_projector().rebuild().differences == ()
    assert len(world.reads.audits(Page(), {})) == 59
    world.close()
    log.close()


def test_a_writer_that_holds_the_file_too_long_is_waited_for(
    tmp_path: Path, waited: Callable[[], bool]
) -> None:
    url = f"sqlite:///{tmp_path / 'events.db'}"
    upgrade_log(url)
    log = open_event_log(url)
    world = World(url, log)
    impatient = open_engine(world.views_url, busy=0.05)
    projector = world.new_projector(engine=impatient)
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    try:
        with world.views_engine.begin():
            position = log.save(request(1))
            thread.start()
            until(waited)
            assert not world.reads.await_position(position, 0)
        assert world.reads.await_position(position, 30)
    finally:
        stop.set()
        thread.join(30)
        impatient.dispose()
    assert world.reads.quarantine() == []
    world.close()
    log.close()


def test_queries_say_that_the_database_is_away(world: World) -> None:
    url = make_url(world.views_url)
    if url.get_backend_name() == "sqlite":
        away = url.set(database="/nonexistent/folder/views.db")
    else:
        away = url.set(port=1)
    engine = open_engine(away.render_as_string(hide_password=False))
    models = SqlReadModels(engine, SystemClock(), world.log.end)
    with pytest.raises(StoreUnavailable):
        models.audits(Page(), {})
    with pytest.raises(StoreUnavailable):
        models.await_position(1, 5)
    engine.dispose()


def test_read_models_ahead_of_the_log_are_told_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody restored the log from a backup, but not the read models."""
    with world.views_engine.begin() as connection:
        connection.execute(text("UPDATE projections SET position = 99 WHERE name = 'audits'"))
    world.new_projector().prepare()
    assert "projection audits is at position 99, beyond the end of the log (0)" in caplog.text
    world.log.save(request(1))
    assert world.new_projector().rebuild("audits").projections[0].compared is None
    assert len(world.reads.audits(Page(), {})) == 1
