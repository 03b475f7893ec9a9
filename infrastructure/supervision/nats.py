import signal
import subprocess
import time
from typing import IO

from infrastructure.messaging.embedded import EmbeddedNats, EmbeddedNatsError
from infrastructure.supervision.child import CannotStart, Process

POLL = 0.02


class NatsProcess:
    """The embedded NATS server as a child of a supervisor.

    ``EmbeddedNats`` keeps port and token over restarts, so that clients reconnect.
    """

    def __init__(self, server: EmbeddedNats) -> None:
        self._server = server
        self.pid = server.pid or 0
        self.returncode: int | None = None

    @property
    def stdout(self) -> IO[bytes] | None:
        """None: the server writes its own log file."""
        return None

    def poll(self) -> int | None:
        """Checks whether it has ended. The exit code is unknown: every end is a failure."""
        if self.returncode is None and not self._server.running:
            self.returncode = 1
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Blocks until it has ended."""
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("nats-server", timeout or 0.0)
            time.sleep(POLL)
        return self.returncode or 0

    def send_signal(self, sig: int) -> None:
        """Stops the server upon SIGTERM; ignores other signals."""
        if sig == signal.SIGTERM:
            self._server.stop()


class NatsLaunch:
    """Starts an embedded server."""

    def __init__(self, server: EmbeddedNats) -> None:
        self._server = server

    def __call__(self) -> Process:
        """Starts it and waits until it responds.

        Raises:
            CannotStart: it did not start.
        """
        try:
            self._server.start()
        except EmbeddedNatsError as error:
            raise CannotStart(str(error)) from error
        return NatsProcess(self._server)
