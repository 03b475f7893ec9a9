import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Protocol

from infrastructure.process import signal_group
from infrastructure.supervision.probes import Probe


class Process(Protocol):
    """A started process: the part of ``subprocess.Popen`` that the supervisor uses."""

    pid: int

    @property
    def stdout(self) -> IO[bytes] | None:
        """Its output, None if it writes elsewhere."""
        ...

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negated number of a signal; None until its end was noticed."""
        ...

    def poll(self) -> int | None:
        """Checks whether it has ended; returns ``returncode``."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Blocks until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        ...

    def send_signal(self, sig: int) -> None:
        """Sends it a signal."""
        ...


class CannotStart(Exception):
    """A process could not be started; the message says why."""


@dataclass(frozen=True)
class ChildSpec:
    """A process to keep running.

    Attributes:
        name: prefix of its output.
        launch: starts it, or raises CannotStart.
        stage: children of one stage start together, when those of the previous stage are ready.
        ready: whether it is ready; None: as soon as it runs.
        ready_within: seconds; after them it counts as failed and is started again.
        once: it does its work and ends; it is ready when it has ended with 0.
        vital: if it is not ready in time at the first start, the whole start fails.
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
"""Environment variable with the path of the file that a ready process writes."""
MAX_LINE = 65536
"""Bytes; a longer line is passed on in parts."""


class ChildState(StrEnum):
    """The state of a child."""

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
        since: when it entered its state (monotonic).
        due: when to start it again, while backing off.
        failures: failures in a row; failure: the last one.
        restarts: all restarts.
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
        """Whether there is a process whose end was not noticed."""
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None and self.alive else None

    def move(self, state: ChildState, now: float) -> None:
        """Enters a state."""
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
        """Sends SIGTERM."""
        if self.process is not None and self.alive:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills all processes of its process group."""
        if self.process is not None:
            signal_group(self.process.pid, signal.SIGKILL)

    def lines(self) -> tuple[list[bytes], bool]:
        """The complete lines written since the last call, and whether the output has ended.

        Never blocks. A last line without a line end is returned when the process has ended.
        """
        if self.process is None or self.process.stdout is None or self.process.stdout.closed:
            return [], True
        chunk, closed = _available(self.process.stdout.fileno())
        *complete, self.partial = (self.partial + chunk).split(b"\n")
        if (closed or len(self.partial) > MAX_LINE or not self.alive) and self.partial:
            complete.append(self.partial)
            self.partial = b""
        return complete, closed

    def finish(self) -> None:
        """Closes the output of the ended process, and kills the rest of its process group."""
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
