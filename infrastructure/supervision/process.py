"""Starting and ending processes so that none is left behind."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None = None, signum: int = signal.SIGKILL) -> None:
    """Has the kernel end this process when the thread that started it ends (Linux).

    Elsewhere it does nothing: there an orderly shutdown still reaches every process.

    Args:
        parent: the expected parent; if it is gone already, this process exits at once.
        signum: how it is ended. SIGKILL is certain, and everything here survives it.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def tied_to(parent: int) -> Callable[[], None]:
    """A ``preexec_fn`` that ties a child to its parent's life. Fork from a lone thread only."""
    return lambda: die_with_parent(parent)


def signal_group(pid: int, signum: int) -> None:
    """Signals a child's whole process group, which may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signum)
