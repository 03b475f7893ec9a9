"""A whole `vigil up` in a process of its own, and the processes that belong to it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.supervision.conftest import alive, eventually

START = 90.0


class House:
    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.words = words
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, Any]:
        """Starts it and waits until it is ready; returns what up.json says."""
        self.launch()
        return self.await_ready()

    def launch(self) -> None:
        """Starts it."""
        environment = {name: text for name, text in os.environ.items() if name[:6] != "VIGIL_"}
        command = ["up", "--quiet", "--data", str(self.folder), "--hosts", "4", "--servers", "12"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli.main", *command, *self.words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def await_ready(self) -> dict[str, Any]:
        """Waits until it is ready; returns what up.json says."""
        eventually(self._ready, "`vigil up` is ready", START)
        return self.state()

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "up.json").read_text())
        return found

    def child(self, name: str) -> dict[str, Any]:
        return next(one for one in self.state()["children"] if one["name"] == name)

    def _ready(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"exit code {code}\n{self.log()[-4000:]}"
        with contextlib.suppress(FileNotFoundError):
            state = self.state()
            return bool(state["ready"] and state["pid"] == self.process.pid)
        return False

    def log(self) -> str:
        path = self.folder / "vigil.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def members(self) -> set[int]:
        """Every process that was started for this directory, whoever its parent is."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                    if str(self.folder).encode() in told and alive(int(entry.name)):
                        found.add(int(entry.name))
        return found

    def stop(self, signum: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(60)


@contextlib.contextmanager
def house(folder: Path, *words: str) -> Iterator[House]:
    one = House(folder, *words)
    try:
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait()
