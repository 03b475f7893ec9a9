import threading
import time

import pytest

from domain.audits.events import AuditState
from infrastructure.clock import SystemClock
from infrastructure.read_models import SqlReadModels, open_engine
from infrastructure.read_models.waiting import await_position
from tests.clocks import SkippingClock
from tests.conformance.read_models.test_audits import request
from tests.given import context, ident
from tests.world.world import World


def test_a_position_that_was_passed_is_not_waited_for(world: World) -> None:
    position = world.save(request())
    assert world.reads.await_position(position, 0)
    assert world.reads.await_position(0, 0)


def test_the_wait_is_bounded(world: World) -> None:
    position = world.log.save(request())
    begun = time.monotonic()
    assert not world.reads.await_position(position, 0.05)
    assert 0.05 <= time.monotonic() - begun < 5


def test_a_projection_that_lags_is_waited_for(world: World) -> None:
    """Queries join tables of several projections: one that has come far is not enough."""
    world.save(request(1))
    position = world.log.save(request(2))
    projector = world.new_projector()
    for one in ("audits", "plans", "timeline", "catalogue"):
        checkpoint = next(s for s in projector._store.checkpoints() if s.projection == one)
        entries = world.log.read(checkpoint.position, 100)
        projector._batches.apply(checkpoint.position, entries, [checkpoint])
        assert not world.reads.await_position(position, 0)
    projector.catch_up()
    assert world.reads.await_position(position, 0)


def test_whoever_waits_for_his_write_reads_it(world: World) -> None:
    """A writer, a projector and a reader with connections of their own, as in three processes."""
    stop = threading.Event()
    projector = world.new_projector()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    engine = open_engine(world.views_url)
    reader = SqlReadModels(engine, SystemClock(), world.log.end)
    try:
        for number in range(1, 30):
            audit = request(number)
            assert reader.await_position(world.log.save(audit), 10)
            found = reader.audit(str(ident(number)))
            assert found is not None
            assert found.state == "PENDING"
            audit.move(context(100), AuditState.CANCELLED)
            assert reader.await_position(world.log.save(audit), 10)
            again = reader.audit(str(ident(number)))
            assert again is not None
            assert again.state == "CANCELLED"
    finally:
        stop.set()
        thread.join(20)
        engine.dispose()
    assert not thread.is_alive()


def test_without_a_bell_a_long_wait_asks_rarely_and_a_short_one_at_once(world: World) -> None:
    """Each waiting request asked every 3 ms: a projector that lagged was slowed down by the waits
    for it. A wait may take a quarter longer than it has to, and 250 ms at most."""
    position = world.log.save(request())
    engine, clock = open_engine(world.views_url), SkippingClock()
    with engine.connect() as connection:
        assert not await_position(connection, clock, position, 5.0)
    engine.dispose()
    assert sum(clock.pauses) == pytest.approx(5.0)
    assert len(clock.pauses) < 50
    waited = 0.0
    for pause in clock.pauses:
        assert pause <= max(0.003, min(waited / 4, 0.25)) + 1e-9
        waited += pause
