"""The engine's ends of the sockets: to the fork server, and to the process of one run."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from infrastructure.strategy_processes.fork_server import LOADING, NUMBER
from infrastructure.strategy_processes.run_process import ProcessLimits

_PROGRAM = (sys.executable, "-m", "infrastructure.strategy_processes")
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
"""A process that forks must have one thread."""
_PRIVATE = ("VIGIL_", "OS_")
"""Prefixes of environment variables with settings and passwords; strategies do not get them."""
_STOPPING = 5.0
"""Seconds that the fork server gets to end its processes."""
_KILLING = 30.0
"""Seconds until a killed process must be gone: the kernel frees its memory first."""
_CHUNK = 2**20


class NotStarted(Exception):
    """There is no process for a run; the message says why."""


class RunProcess:
    """A process that runs one strategy.

    Args:
        talk: connected to the process.
        watch: connected to the fork server, about this process.

    Attributes:
        pid: its process id; None before its start.
        code: its exit code or the negated number of a signal; None before its end, or if the fork
            server has ended.
    """

    def __init__(self, talk: socket.socket, watch: socket.socket) -> None:
        self._talk = talk
        self._watch = watch
        self.pid: int | None = None
        self.code: int | None = None

    def ask(self, content: bytes, seconds: float) -> bytes:
        """Sends a request; returns the answer, which is complete if ``code`` is 0 then.

        The process is gone afterwards.

        Raises:
            NotStarted: the fork server has ended, or could not fork.
            TimeoutError: there was no answer within so many seconds.
        """
        try:
            self.pid = self._number(LOADING)
            if self.pid is None:
                raise NotStarted("the server of strategy processes failed; its output says why")
            return self._exchange(content, time.monotonic() + seconds)
        finally:
            with contextlib.suppress(OSError):  # the fork server has ended
                self._watch.shutdown(socket.SHUT_WR)
            self.code = self._number(_KILLING)
            self._watch.close()
            self._talk.close()

    def _exchange(self, content: bytes, deadline: float) -> bytes:
        answer = []
        with contextlib.suppress(ConnectionError):  # it has ended: its exit code says how
            self._talk.settimeout(_left(deadline))
            self._talk.sendall(content)
            self._talk.shutdown(socket.SHUT_WR)
            while True:
                self._talk.settimeout(_left(deadline))
                part = self._talk.recv(_CHUNK)
                if not part:
                    break
                answer.append(part)
        return b"".join(answer)

    def _number(self, timeout: float) -> int | None:
        self._watch.settimeout(timeout)
        try:
            word = self._watch.recv(NUMBER.size)
        except OSError:
            return None
        return int(NUMBER.unpack(word)[0]) if word else None


class ServerProcess:
    """The fork server as the engine sees it.

    Args:
        factory: ``module:function`` that returns the runner which each process uses.
        limits: of each run.
    """

    def __init__(self, factory: str, limits: ProcessLimits) -> None:
        self._control, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        rest = (str(descriptor), factory, str(limits.seconds), str(limits.memory))
        with theirs, _stop_signals_blocked():
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                (*_PROGRAM, *rest),
                stdin=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                env=_environment(),
            )

    def has_ended(self) -> bool:
        """Whether it was killed, or failed to load the strategies."""
        return self._process.poll() is not None

    def fork(self) -> RunProcess:
        """Asks for a process, and does not wait for it."""
        talk, its_talk = socket.socketpair()
        watch, its_watch = socket.socketpair()
        with its_talk, its_watch, contextlib.suppress(OSError):  # ended: both get closed
            socket.send_fds(self._control, [b"r"], [its_talk.fileno(), its_watch.fileno()])
        return RunProcess(talk, watch)

    def close(self) -> None:
        """Ends it and all of its processes."""
        self._control.close()
        try:
            self._process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    public = {name: text for name, text in os.environ.items() if not name.startswith(_PRIVATE)}
    return {**public, **_ONE_THREAD}


@contextlib.contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """A process started in the block never gets the signals that stop its process group."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)
