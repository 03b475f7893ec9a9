"""Signals set events that the main thread is about to wait for."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from infrastructure.signals import handled_signals

WAITS = """\
import os, signal, sys, threading
from infrastructure.signals import handled_signals

class Ambush(threading.Condition):
    # what the main thread may be doing when a signal comes: it holds the lock inside an event
    def wait(self, timeout=None):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass
        return super().wait(timeout)

stop = threading.Event()
stop._cond = Ambush(threading.Lock())
if sys.argv[1] == "answered":
    with handled_signals({signal.SIGTERM: stop.set}):
        stop.wait()
else:
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
print("stopped")
"""


def _run(how: str, patience: float) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WAITS, how],
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_signal_that_comes_while_the_event_is_locked_does_not_lock_up_the_process() -> None:
    """`vigil status` and roles hung now and then when they were told to stop.

    Their handlers set an event whose lock the main thread was just holding.
    """
    assert _run("answered", 60) == "stopped\n"
    with pytest.raises(subprocess.TimeoutExpired):
        _run("plainly", 3)  # the control


def test_answers_come_in_order_and_end_with_the_block() -> None:
    seen: list[str] = []
    done = threading.Event()
    before = signal.getsignal(signal.SIGUSR1)

    def second() -> None:
        seen.append("USR2")
        done.set()

    with handled_signals({signal.SIGUSR1: lambda: seen.append("USR1"), signal.SIGUSR2: second}):
        os.kill(os.getpid(), signal.SIGUSR1)
        deadline = time.monotonic() + 30
        while not seen:
            assert time.monotonic() < deadline
        os.kill(os.getpid(), signal.SIGUSR2)
        assert done.wait(30)
    assert seen == ["USR1", "USR2"]
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.set_wakeup_fd(-1) == -1
    assert not [one for one in threading.enumerate() if one.name == "signals"]


def test_a_block_without_signals_leaves_nothing_behind() -> None:
    before = {one: signal.getsignal(one) for one in signal.valid_signals()}
    with handled_signals({}):
        assert {one: signal.getsignal(one) for one in signal.valid_signals()} == before
    assert signal.set_wakeup_fd(-1) == -1
    assert not [one for one in threading.enumerate() if one.name == "signals"]
