"""Signals, answered on a thread of their own.

A Python signal handler runs on the main thread between any two of its steps, so also while that
thread holds the lock inside a ``threading.Event`` that it is about to wait for: a handler that
sets the event then waits for ever for the lock of its own thread. Here the handler does nothing;
the interpreter writes the signal's number into a pipe, and a thread reads it there.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

_END = 0
"""Stands in the pipe for the end; it is no signal's number."""


@contextlib.contextmanager
def answered(answers: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Has signals call functions, while the block runs. For the main thread; blocks do not nest.

    Args:
        answers: signal → what to do. It is called on another thread, one call after the other, and
            must not raise.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    thread = threading.Thread(
        target=_answer, args=(reader, dict(answers)), name="signals", daemon=True
    )
    thread.start()
    descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in answers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        with contextlib.suppress(BlockingIOError):  # full: closing it is the end, too
            os.write(writer, bytes([_END]))
        os.close(writer)
        thread.join()
        os.close(reader)


def _answer(reader: int, answers: Mapping[int, Callable[[], object]]) -> None:
    while numbers := os.read(reader, 64):
        for number in numbers:
            if number == _END:
                return
            if number in answers:
                answers[number]()


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    """Having a handler is enough: the pipe is written for handled signals only."""
