"""`vigil up` as a child process of the demo."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infrastructure.process import tied_to
from infrastructure.supervision import UpState, state
from interfaces.demo.errors import DemoFailed

START = 90.0
STOP = 60.0
"""Seconds."""


@dataclass(frozen=True)
class DemoCloud:
    """The size of the simulated cloud. ``speed``: simulated seconds per second."""

    hosts: int
    servers: int
    seed: int
    speed: float

    def options(self) -> dict[str, str]:
        """The options of the demo: this cloud, and polling and parallelism that fit its speed."""
        return {
            "DEFAULT.enable_authentication": "false",
            "vigil.simulator_hosts": str(self.hosts),
            "vigil.simulator_servers": str(self.servers),
            "vigil.simulator_seed": str(self.seed),
            "vigil.simulator_speed": str(self.speed),
            "nova.migration_interval": "0.25",
            "watcher_workflow_engines.taskflow.max_workers": "16",
            "watcher_planners.weight.parallelization": "migrate:12,change_nova_service_state:12",
        }


class DemoInstallation:
    """A complete installation with a simulated cloud.

    Args:
        directory: its data directory.
        options: ``section.name`` → value, for options that differ from the defaults.
    """

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Log file of all its processes."""
        return self.directory / "vigil.log"

    def start(self) -> UpState:
        """Starts it and waits until it is ready.

        Raises:
            DemoFailed: it did not become ready.
        """
        words = [word for pair in self._options.items() for word in ("--set", "=".join(pair))]
        with (self.directory / "up.err").open("wb") as errors:
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
                stdout=errors,
                stderr=errors,
                start_new_session=True,  # Ctrl-C goes to the demo only, which then stops this
                preexec_fn=tied_to(os.getpid()),  # noqa: PLW1509 - only one thread runs yet
            )
        return self._await_ready(time.monotonic() + START)

    def check(self) -> None:
        """Checks that it still runs.

        Raises:
            DemoFailed: it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise DemoFailed(f"`vigil up` has ended: {self._errors()}")

    def stop(self) -> int:
        """Stops it in good order; returns the exit code."""
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

    def _errors(self) -> str:
        """The errors of `vigil up` and of its processes; the last line if none is marked."""
        with contextlib.suppress(OSError):
            lines = (self.directory / "up.err").read_text(errors="replace").strip().splitlines()
            marked = [text for line in lines if (text := line.partition("vigil: error: ")[2])]
            if marked or lines:
                return "; ".join(dict.fromkeys(marked)) or lines[-1]
        return "no error message"
