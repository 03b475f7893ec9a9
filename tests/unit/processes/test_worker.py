import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from application.processes.worker import Worker
from tests.given import ident

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
    worker = Worker("w", 2, seen.append, nothing, interval=60)
    with working(worker):
        worker.offer(ident(1)).result(PATIENCE)
    assert seen == [ident(1)]


def test_the_sweep_finds_work_that_no_hint_named() -> None:
    found = threading.Event()
    worker = Worker("w", 1, lambda _: found.set(), lambda: [ident(7)], interval=60)
    with working(worker):
        assert found.wait(PATIENCE)


def test_a_key_is_in_one_slot_at_a_time_and_processed_again_if_offered_meanwhile() -> None:
    lock = threading.Lock()
    inside, release, rounds = threading.Event(), threading.Event(), []

    def process(key: UUID) -> None:
        assert lock.acquire(blocking=False), "two slots at once"
        rounds.append(key)
        inside.set()
        release.wait(PATIENCE)
        lock.release()

    worker = Worker("w", 4, process, nothing, interval=60)
    with working(worker):
        first = worker.offer(ident(1))
        assert inside.wait(PATIENCE)
        again = [worker.offer(ident(1)) for _ in range(5)]
        release.set()
        first.result(PATIENCE)
        for future in again:
            future.result(PATIENCE)
    assert len(rounds) == 2


def test_a_failure_takes_nobody_else_down(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[UUID] = []

    def process(key: UUID) -> None:
        if key == ident(1):
            raise RuntimeError("poison")
        seen.append(key)

    worker = Worker("w", 1, process, nothing, interval=60)
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

    worker = Worker("w", 1, lambda _: found.set(), sweep, interval=0.01)
    with working(worker):
        assert found.wait(PATIENCE)
    assert "the sweep failed" in caplog.text
