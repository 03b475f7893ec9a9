import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from application.ports.bus import Busy
from application.workers.worker import Worker
from infrastructure.clock import SystemClock
from tests.given import ident
from tests.integration.notifications.waiting import until

CLOCK = SystemClock()
PATIENCE = 10


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def nothing() -> list[UUID]:
    return []


def test_an_offer_resolves_when_its_key_was_processed() -> None:
    seen: list[UUID] = []
    worker = Worker("w", 2, lambda key, _: seen.append(key), nothing, interval=60, clock=CLOCK)
    with working(worker):
        worker.offer(ident(1)).result(PATIENCE)
    assert seen == [ident(1)]


def test_the_sweep_finds_work_that_no_hint_named() -> None:
    found = threading.Event()
    worker = Worker("w", 1, lambda *_: found.set(), lambda: [ident(7)], interval=60, clock=CLOCK)
    with working(worker):
        assert found.wait(PATIENCE)


def test_a_key_is_in_one_slot_at_a_time_and_processed_again_if_offered_meanwhile() -> None:
    lock = threading.Lock()
    inside, release, rounds = threading.Event(), threading.Event(), []

    def process(key: UUID, _: Callable[[], None]) -> None:
        assert lock.acquire(blocking=False), "two slots at once"
        rounds.append(key)
        inside.set()
        release.wait(PATIENCE)
        lock.release()

    worker = Worker("w", 4, process, nothing, interval=60, clock=CLOCK)
    with working(worker):
        first = worker.offer(ident(1))
        assert inside.wait(PATIENCE)
        for _ in range(5):
            worker.offer(ident(1)).result(0)
        release.set()
        first.result(PATIENCE)
        until(lambda: len(rounds) == 2, "it is processed again")
    assert rounds == [ident(1)] * 2


def test_a_failure_takes_nobody_else_down(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[UUID] = []

    def process(key: UUID, _: Callable[[], None]) -> None:
        if key == ident(1):
            raise RuntimeError("poison")
        seen.append(key)

    worker = Worker("w", 1, process, nothing, interval=60, clock=CLOCK)
    with working(worker):
        worker.offer(ident(1)).result(PATIENCE)
        worker.offer(ident(2)).result(PATIENCE)
    assert seen == [ident(2)]
    assert "poison" in caplog.text


def test_a_failing_sweep_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    found = threading.Event()
    outcomes: list[list[UUID]] = [[ident(3)]]
    away = [RuntimeError("away")]

    def sweep() -> list[UUID]:
        if away:
            raise away.pop()
        return outcomes.pop() if outcomes else []

    worker = Worker("w", 1, lambda *_: found.set(), sweep, interval=0.01, clock=CLOCK)
    with working(worker):
        assert found.wait(PATIENCE)
    assert "the sweep failed" in caplog.text


def test_what_waits_is_left_to_others_when_the_worker_is_told_to_stop() -> None:
    """A worker that was stopping first claimed and worked off all that had been offered."""
    seen: list[UUID] = []
    inside, release, stop = threading.Event(), threading.Event(), threading.Event()

    def process(key: UUID, _: Callable[[], None]) -> None:
        seen.append(key)
        inside.set()
        release.wait(PATIENCE)

    worker = Worker("w", 1, process, nothing, interval=60, clock=CLOCK)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    running = worker.offer(ident(1))
    assert inside.wait(PATIENCE)
    waiting = [worker.offer(ident(number)) for number in (2, 3)]
    stop.set()
    release.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert running.done()
    assert all(future.cancelled() for future in waiting)
    assert seen == [ident(1)]


@pytest.mark.parametrize("early", [False, True])
def test_a_slot_survives_that_nobody_waits_for_its_result_any_more(early: bool) -> None:
    """A connection to NATS was closed for good while a long plan ran: what waited for the plan was
    cancelled, its slot died of that at the end of the plan, and the applier took no other one."""
    inside, release = threading.Event(), threading.Event()
    seen: list[UUID] = []

    def process(key: UUID, _: Callable[[], None]) -> None:
        seen.append(key)
        inside.set()
        release.wait(PATIENCE)

    worker = Worker("w", 1, process, nothing, interval=60, clock=CLOCK)
    with working(worker):
        running = worker.offer(ident(1))
        assert inside.wait(PATIENCE)
        waiting = worker.offer(ident(2))
        (waiting if early else running).cancel()
        release.set()
        worker.offer(ident(3)).result(PATIENCE)
    assert seen == [ident(1), ident(2), ident(3)]


@pytest.mark.parametrize("late", [False, True])
def test_nobody_waits_for_what_a_worker_that_stopped_does_not_take_any_more(late: bool) -> None:
    """A user cancelled a plan, and the applier was restarted before the plan had ended.

    The hint waited for a second look that no slot was there for. The applier did not end for half
    a minute, and was killed.
    """
    inside, release, stop = threading.Event(), threading.Event(), threading.Event()

    def process(_: UUID, __: Callable[[], None]) -> None:
        inside.set()
        release.wait(PATIENCE)

    worker = Worker("w", 1, process, nothing, interval=60, clock=CLOCK)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    worker.offer(ident(1))
    assert inside.wait(PATIENCE)
    if not late:
        again = worker.offer(ident(1))
    stop.set()
    release.set()
    thread.join(PATIENCE)
    if late:
        again = worker.offer(ident(1))
    assert again.done()
    assert again.cancelled() == late


def test_an_offer_resolves_when_its_key_is_claimed_not_when_the_work_is_done() -> None:
    """The hint of a plan was acknowledged when the plan had ended, hours later."""
    release = threading.Event()

    def process(_: UUID, claimed: Callable[[], None]) -> None:
        claimed()
        release.wait(PATIENCE)

    worker = Worker("w", 1, process, nothing, interval=60, clock=CLOCK)
    with working(worker):
        worker.offer(ident(1)).result(PATIENCE)
        assert not release.is_set()
        room = worker.room()
        assert not room.done()
        with pytest.raises(Busy):
            worker.take(ident(2))
        worker.take(ident(1)).result(0)  # it is looked at again; nothing waits for that
        release.set()
        room.result(PATIENCE)
        worker.take(ident(2)).result(PATIENCE)
