"""The fork server: has the strategies in memory, and forks a process for each run.

It has one thread and runs no strategy itself, so that a fork takes milliseconds and is safe. The
engine asks for a process by sending two sockets. The first is for the process: it reads the record
and writes the answer. The second is for the server: it writes the process id; when the engine has
shut down its end, the server kills and reaps the process and writes the exit code.
"""

import contextlib
import faulthandler
import gc
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from infrastructure.process import tied_to
from infrastructure.strategy_processes.run_process import ProcessLimits, answer

NUMBER = struct.Struct("i")
"""A process id or an exit code (negated: a signal) on the wire."""
LOADING = 60
"""Seconds within which the strategies are loaded."""


def main(arguments: Sequence[str]) -> None:
    """Loads the strategies and forks processes until the engine closes its end.

    Args:
        arguments: descriptor of a socket, ``module:function`` that returns the runner of each
            process, limits: seconds, MiB.
    """
    descriptor, factory, seconds, memory = arguments
    control = socket.socket(fileno=int(descriptor))
    limits = ProcessLimits(float(seconds), int(memory))
    signal.alarm(LOADING)  # a module that hangs ends this process, also without an engine
    runner = pkgutil.resolve_name(factory)()
    signal.alarm(0)
    sys.stdout.flush()  # else each process would write it again
    faulthandler.enable()  # a strategy that crashes leaves its place in the engine's output
    gc.collect()
    gc.freeze()  # the processes share this memory
    ForkServer(control, lambda parent: answer(parent, runner, limits)).run()


class ForkServer:
    """Forks, kills and reaps processes.

    Args:
        control: receives the requests of the engine.
        work: what a process does with its socket.
    """

    def __init__(self, control: socket.socket, work: Callable[[socket.socket], None]) -> None:
        self._control = control
        self._work = work
        self._tie = tied_to(os.getpid())
        self._running: dict[socket.socket, int] = {}

    def run(self) -> None:
        """Serves until the engine has closed its end; then ends all processes."""
        connected = True
        while connected:
            ready, _, _ = select.select([self._control, *self._running], [], [])
            for watch in self._running.keys() & set(ready):
                self._end(watch)
            if self._control in ready:
                connected = self._start()
        for watch in list(self._running):
            self._end(watch)

    def _start(self) -> bool:
        word, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
        if not word:
            return False
        parent, watch = (socket.socket(fileno=one) for one in descriptors)
        with parent:
            try:
                process = os.fork()
            except OSError as refused:  # the engine sees that its sockets are closed
                print(f"no process for a strategy: {refused}", file=sys.stderr)  # noqa: T201
                watch.close()
                return True
            if process == 0:
                watch.close()
                self._become(parent)
        self._running[watch] = process
        _report(watch, process)
        return True

    def _become(self, parent: socket.socket) -> NoReturn:
        try:
            self._tie()
            for inherited in (self._control, *self._running):
                inherited.close()
            self._work(parent)
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001 - nothing of the server may run in this process
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _end(self, watch: socket.socket) -> None:
        process = self._running.pop(watch)
        os.kill(process, signal.SIGKILL)  # it was not reaped, so the id is still its own
        _, status = os.waitpid(process, 0)
        with watch:
            _report(watch, os.waitstatus_to_exitcode(status))


def _report(watch: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the engine has ended
        watch.send(NUMBER.pack(number))
