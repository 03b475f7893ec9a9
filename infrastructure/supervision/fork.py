"""Children that are forks of the supervisor: they share the modules it has imported.

A fork copies one thread and all locks, so the supervisor has no other thread (Python's ``random``
and OpenSSL seed themselves again). A child gives up all it inherited: signal handlers, log
handlers, descriptors, environment and session. It never returns to the supervisor's code.
"""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from infrastructure.process import named, tied_to
from infrastructure.supervision.child import READY_FILE, CannotStart, Process
from infrastructure.supervision.ports import LISTEN_FD

POLL = 0.02
_FIRST = 3
"""The first descriptor after input, output and errors."""
_MOST = os.sysconf("SC_OPEN_MAX")


def share_memory() -> None:
    """Keeps the garbage collector from writing to the objects that exist: forks share them."""
    gc.collect()
    gc.freeze()


class ForkedProcess:
    """A fork of this process; see ``Process``."""

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._output = open(output, "rb", buffering=0)  # noqa: SIM115 - the supervisor closes it

    @property
    def stdout(self) -> IO[bytes]:
        """Its output and errors."""
        return self._output

    def poll(self) -> int | None:
        """Checks whether it has ended; returns ``returncode``."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Blocks until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(POLL)
        return code

    def send_signal(self, sig: int) -> None:
        """Sends it a signal; it was not reaped, so the id is still its own."""
        if self.poll() is None:
            os.kill(self.pid, sig)


@dataclass(frozen=True)
class ForkCommand:
    """A program that a fork of this process runs.

    Attributes:
        name: of the process, as ``top`` shows it (the first 15 characters).
        work: the program; returns its exit code.
        environment: its whole environment.
        ready_file: the program writes this file, whose path is in VIGIL_READY_FILE, when it is
            ready; the file of an earlier start is deleted.
        listener: descriptor of the socket on which the program accepts connections, which is in
            VIGIL_LISTEN_FD; it stays open here, for the next start.
    """

    name: str
    work: Callable[[], int]
    environment: Mapping[str, str]
    ready_file: Path | None = None
    listener: int | None = None

    def __call__(self) -> Process:
        """Starts it in a session of its own; the kernel ends it with this process.

        Raises:
            CannotStart: there can be no further process, or this one has several threads.
        """
        main = threading.main_thread()
        others = [one.name for one in threading.enumerate() if one is not main]
        if others:
            raise CannotStart(f"this process has several threads: {', '.join(others)}")
        environment = dict(self.environment)
        try:
            if self.ready_file is not None:
                self.ready_file.unlink(missing_ok=True)
                environment[READY_FILE] = str(self.ready_file)
            if self.listener is not None:
                environment[LISTEN_FD] = str(self.listener)
            return self._forked(environment)
        except OSError as error:
            raise CannotStart(str(error)) from error

    def _forked(self, environment: Mapping[str, str]) -> Process:
        tie, name = tied_to(os.getpid()), named(self.name)
        reader, writer = os.pipe()
        # a handler of this process must not run in the child
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                self._become(lambda: (tie(), name()), writer, environment, before)
        except OSError:
            os.close(reader)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(writer)
        os.set_blocking(reader, False)
        return ForkedProcess(pid, reader)

    def _become(
        self,
        mark: Callable[[], object],
        output: int,
        environment: Mapping[str, str],
        blocked: Iterable[int],
    ) -> NoReturn:
        code = 1
        try:
            mark()
            os.setsid()
            logging.getLogger().handlers.clear()  # they write to files that are closed now
            _replace_streams(output)
            _close_descriptors(self.listener)
            os.environ.clear()
            os.environ.update(environment)
            _reset_signals(blocked)
            code = self.work()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - nothing of the supervisor may run in this process
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)


def _replace_streams(output: int) -> None:
    """Input from nowhere, output and errors to a pipe, line by line."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nowhere, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.stdin, sys.stdout, sys.stderr = (
        open(  # noqa: SIM115 - until the process ends
            number, mode, buffering=1, errors="backslashreplace", closefd=False
        )
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )


def _close_descriptors(kept: int | None) -> None:
    if kept is None:
        os.closerange(_FIRST, _MOST)
        return
    os.closerange(_FIRST, kept)
    os.closerange(kept + 1, _MOST)


def _reset_signals(blocked: Iterable[int]) -> None:
    """The handlers that a new Python has; what was ignored stays ignored (``nohup``)."""
    signal.set_wakeup_fd(-1)
    for one in signal.valid_signals():
        if callable(signal.getsignal(one)):
            default = signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL
            signal.signal(one, default)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


__all__ = ["ForkCommand", "ForkedProcess", "share_memory"]
