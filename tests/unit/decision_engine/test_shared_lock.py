import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from application.decision_engine.shared_lock import SharedLock

PATIENCE = 10


class Guest:
    """A thread that holds the lock in some way until it is let go."""

    def __init__(self, hold: Callable[[], AbstractContextManager[None]]) -> None:
        self._hold = hold
        self.inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def _stay(self) -> None:
        with self._hold():
            self.inside.set()
            self._leave.wait(PATIENCE)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def until_waiting(lock: SharedLock) -> None:
    """Until somebody waits to have the lock alone."""
    deadline = time.monotonic() + PATIENCE
    while not lock._waiting:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.001)


def test_any_number_share_it() -> None:
    lock = SharedLock()
    guests = [Guest(lock.shared) for _ in range(3)]
    assert all(guest.inside.wait(PATIENCE) for guest in guests)
    for guest in guests:
        guest.leave()


def test_who_has_it_alone_waits_for_the_others_and_keeps_them_out() -> None:
    lock = SharedLock()
    first = Guest(lock.shared)
    assert first.inside.wait(PATIENCE)
    hermit = Guest(lock.exclusive)
    until_waiting(lock)
    late = Guest(lock.shared)  # those who wait to be alone come first
    assert not hermit.inside.wait(0.05)
    first.leave()
    assert hermit.inside.wait(PATIENCE)
    assert not late.inside.wait(0.05)
    hermit.leave()
    assert late.inside.wait(PATIENCE)
    late.leave()


def test_two_do_not_have_it_alone_at_once() -> None:
    lock = SharedLock()
    one, other = Guest(lock.exclusive), Guest(lock.exclusive)
    deadline = time.monotonic() + PATIENCE
    while not (one.inside.is_set() or other.inside.is_set()):
        assert time.monotonic() < deadline, "nobody got in"
        time.sleep(0.001)
    first, second = (one, other) if one.inside.is_set() else (other, one)
    assert not second.inside.wait(0.05)
    first.leave()
    assert second.inside.wait(PATIENCE)
    second.leave()


def test_an_error_inside_gives_it_back() -> None:
    lock = SharedLock()
    for hold in (lock.exclusive, lock.shared):
        with pytest.raises(ZeroDivisionError), hold():
            raise ZeroDivisionError
    guest = Guest(lock.exclusive)
    assert guest.inside.wait(PATIENCE)
    guest.leave()
