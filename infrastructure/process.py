"""Starts and ends child processes so that none outlives its parent."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def tied_to(parent: int) -> Callable[[], None]:
    """A ``preexec_fn``: the kernel ends the child when the thread that started it ends (Linux).

    On other systems it does nothing: there an orderly shutdown still ends every process.

    Args:
        parent: the expected parent; if it has ended already, the child exits at once.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def named(name: str) -> Callable[[], None]:
    """A function that gives its process a name, as ``top`` shows it (Linux, 15 characters)."""
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork
    text = ctypes.create_string_buffer(name.encode())

    def rename() -> None:
        prctl(_PR_SET_NAME, text, 0, 0, 0)

    return rename


def signal_group(pid: int, signum: int) -> None:
    """Signals a child's process group, which may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signum)


def ending(code: int) -> str:
    """How a process ended: the name of the signal, or the exit code.

    Args:
        code: exit code, or the negated number of a signal.
    """
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
