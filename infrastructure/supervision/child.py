import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from infrastructure.process import signal_group, tied_to
from infrastructure.supervision.ports import LISTEN_FD
from infrastructure.supervision.probes import Probe


class Process(Protocol):
    """A process that was started: what the supervisor needs of ``subprocess.Popen``."""

    pid: int

    @property
    def stdout(self) -> IO[bytes] | None:
        """What it writes, None if it writes elsewhere."""
        ...

    @property
    def returncode(self) -> int | None:
        """How it was seen to end: an exit code, or a signal's number negated."""
        ...

    def poll(self) -> int | None:
        """Looks whether it ended; returns ``returncode``."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Blocks until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        ...

    def send_signal(self, sig: int) -> None:
        """Signals it."""
        ...


class CannotStart(Exception):
    """A process could not be started; the message says why."""


@dataclass(frozen=True)
class ProcessCommand:
    """A program, its arguments and its whole environment.

    Attributes:
        ready_file: the program finds its path in VIGIL_READY_FILE and writes it when it is ready;
            one of an earlier start is removed.
        listener: the program finds its descriptor in VIGIL_LISTEN_FD and accepts connections on
            it; it stays open here, for the next start.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    ready_file: Path | None = None
    listener: socket.socket | None = None

    def __call__(self) -> Process:
        """Starts it in a process group of its own that dies with this process.

        Raises:
            CannotStart: the program cannot be run.
        """
        environment = dict(self.environment)
        try:
            if self.ready_file is not None:
                self.ready_file.unlink(missing_ok=True)
                environment[READY_FILE] = str(self.ready_file)
            if self.listener is not None:
                environment[LISTEN_FD] = str(self.listener.fileno())
            process = subprocess.Popen(  # noqa: S603 - commands come from our own code
                self.arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=() if self.listener is None else (self.listener.fileno(),),
                start_new_session=True,
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - the supervisor has one thread
            )
        except OSError as error:
            raise CannotStart(str(error)) from error
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
        return process


@dataclass(frozen=True)
class ChildSpec:
    """A process to keep running.

    Attributes:
        name: what its output is prefixed with.
        launch: starts it, or raises CannotStart.
        stage: children of one stage start together, when those of the stage before are ready.
        ready: tells when it is; None = as soon as it runs.
        ready_within: seconds; later it counts as failed and is started again.
        once: it does its work and ends; ready when it has ended with 0.
        vital: if it is not ready in time at the first start, nothing else makes sense.
        grace: seconds between SIGTERM and SIGKILL.
    """

    name: str
    launch: Callable[[], Process]
    stage: int = 0
    ready: Probe | None = None
    ready_within: float = 30.0
    once: bool = False
    vital: bool = False
    grace: float = 10.0


READY_FILE = "VIGIL_READY_FILE"
"""Variable that tells a supervised process where to say that it is ready."""
LONGEST = 65536
"""Bytes of a line after which it is passed on as it is."""


class ChildState(StrEnum):
    """Where a child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    BACKING_OFF = "backing-off"
    STOPPED = "stopped"


@dataclass
class Child:
    """A supervised process, over all of its restarts.

    Attributes:
        since: when it got into its state (monotonic).
        due: when to start it again, while backing off.
        failures: how often it failed in a row; failure: what happened the last time.
        restarts: how often it was started again in all.
    """

    spec: ChildSpec
    state: ChildState = ChildState.WAITING
    process: Process | None = None
    since: float = 0.0
    due: float = 0.0
    failures: int = 0
    failure: str = ""
    restarts: int = 0
    partial: bytes = field(default=b"", repr=False)

    @property
    def alive(self) -> bool:
        """Whether there is a process that was not seen to end."""
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None and self.alive else None

    def move(self, state: ChildState, now: float) -> None:
        """Notes a state."""
        self.state, self.since = state, now

    def start(self, now: float) -> None:
        """Starts the process (again).

        Raises:
            CannotStart: it cannot be started.
        """
        self.partial = b""
        self.process = None
        self.process = self.spec.launch()
        self.move(ChildState.STARTING, now)

    def terminate(self) -> None:
        """Asks it to end."""
        if self.process is not None and self.alive:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and whatever it started in its process group."""
        if self.process is not None:
            signal_group(self.process.pid, signal.SIGKILL)

    def lines(self) -> tuple[list[bytes], bool]:
        """The complete lines written since the last call, and whether none will follow.

        Never blocks. A last line without an end counts once nobody can write any more.
        """
        if self.process is None or self.process.stdout is None or self.process.stdout.closed:
            return [], True
        chunk, closed = _available(self.process.stdout.fileno())
        *complete, self.partial = (self.partial + chunk).split(b"\n")
        if (closed or len(self.partial) > LONGEST or not self.alive) and self.partial:
            complete.append(self.partial)
            self.partial = b""
        return complete, closed

    def finish(self) -> None:
        """Gives back what the ended process held, and ends what it left in its group."""
        self.kill()
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()


def _available(descriptor: int) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except BlockingIOError:
            return b"".join(chunks), False
        if not chunk:
            return b"".join(chunks), True
        chunks.append(chunk)
