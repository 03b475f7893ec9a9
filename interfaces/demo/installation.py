"""`vigil up` in a process of its own, for as long as the demo runs."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from infrastructure.process import tied_to
from infrastructure.supervision import UpState, state
from interfaces.demo.errors import DemoFailed

START = 90.0
STOP = 60.0
"""Seconds."""


class DemoInstallation:
    """A complete installation on a simulated cloud.

    Args:
        directory: its data directory.
        options: ``section.name`` → value, of what differs from the defaults.
    """

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """File with everything that its processes say."""
        return self.directory / "vigil.log"

    def start(self) -> UpState:
        """Starts everything and waits until it is ready.

        Raises:
            DemoFailed: it did not come up.
        """
        words = [word for pair in self._options.items() for word in ("--set", "=".join(pair))]
        with (self.directory / "up.err").open("wb") as complaints:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [
                    sys.executable,
                    "-m",
                    "interfaces.cli.main",
                    "up",
                    "--quiet",
                    "--data",
                    str(self.directory),
                    "--config-file",
                    os.devnull,
                    *words,
                ],
                env={name: text for name, text in os.environ.items() if name[:6] != "VIGIL_"},
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C is for the demo, which ends this in good order
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - there is one thread yet
            )
        return self._await_ready(time.monotonic() + START)

    def check(self) -> None:
        """Makes sure that it still runs.

        Raises:
            DemoFailed: it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise DemoFailed(f"`vigil up` has ended: {self._last_words()}")

    def stop(self) -> int:
        """Ends everything in good order; returns the exit code."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()  # its children die with it
                process.wait()
        return process.returncode

    def _await_ready(self, deadline: float) -> UpState:
        while True:
            self.check()
            found = state.read(self.directory)
            if found is not None and found.ready:
                return found
            if time.monotonic() > deadline:
                raise DemoFailed(f"`vigil up` was not ready after {START:g} s")
            time.sleep(0.05)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            said = (self.directory / "up.err").read_text(errors="replace").strip()
            if said:
                return said.splitlines()[-1]
        return "it did not say why"
