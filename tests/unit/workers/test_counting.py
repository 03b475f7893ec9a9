"""Counts are added from time to time, and kept while that is not possible."""

import threading

import pytest

from application.ports.projections import StoreUnavailable
from application.workers.counting import CountBuffer
from infrastructure.clock import SystemClock
from tests.world.boards import ReferenceCounterBoard


def test_what_was_counted_is_added_once() -> None:
    board = ReferenceCounterBoard()
    counting = CountBuffer(board, SystemClock())
    counting.note("x", "a", "good", 2)
    counting.note("x", "a", "good")
    counting.note("x", "b", "good", 0)
    counting.flush()
    counting.flush()
    assert board.sums() == [{"a": 3}]


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), ValueError("a bug")])
def test_counts_wait_while_the_board_fails(failure: Exception) -> None:
    """The log says after any failure that the counts are saved later."""
    board = ReferenceCounterBoard(failure)
    counting = CountBuffer(board, SystemClock())
    counting.note("x", "a", "good")
    counting.flush()
    counting.note("x", "a", "good")
    counting.note("x", "b", "good")
    counting.flush()
    assert board.sums() == [{"a": 2, "b": 1}]


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), ValueError("a bug")])
def test_it_goes_on_whatever_happens_and_adds_what_is_left_when_it_ends(
    failure: Exception,
) -> None:
    board = ReferenceCounterBoard(failure)
    counting = CountBuffer(board, SystemClock(), interval=0.01)
    stop = threading.Event()
    counting.note("x", "a", "good")
    thread = threading.Thread(target=counting.run, args=(stop,))
    thread.start()
    while board.failures:
        assert thread.is_alive()
    counting.note("x", "b", "good")
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert any("b" in batch for batch in board.sums())
