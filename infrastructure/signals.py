"""Handles signals on a thread of their own.

A Python signal handler runs on the main thread between any two bytecodes, also while that thread
holds the lock inside a ``threading.Event``: a handler that sets the event then deadlocks. Here the
handler does nothing; the interpreter writes the signal's number to a pipe, which a thread reads.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

_END = 0
"""Ends the thread when it reads this from the pipe; no signal has this number."""


@contextlib.contextmanager
def handled_signals(functions: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Calls functions upon signals, during a block on the main thread. Blocks do not nest.

    Args:
        functions: signal → function. It is called on another thread, one call after the other,
            and must not raise.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    thread = threading.Thread(
        target=_call_functions, args=(reader, dict(functions)), name="signals", daemon=True
    )
    thread.start()
    descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in functions}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(descriptor)
        with contextlib.suppress(BlockingIOError):  # full: closing it ends the thread, too
            os.write(writer, bytes([_END]))
        os.close(writer)
        thread.join()
        os.close(reader)


def _call_functions(reader: int, functions: Mapping[int, Callable[[], object]]) -> None:
    while numbers := os.read(reader, 64):
        for number in numbers:
            if number == _END:
                return
            if number in functions:
                functions[number]()


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    """Does nothing: Python writes to the pipe only for signals with a handler."""
