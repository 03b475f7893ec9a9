"""`vigil up` in its own process, and all processes that belong to it."""

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


class RunningVigil:
    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.words = words
        self.printed = folder.with_suffix(".printed")
        """What it wrote to the terminal."""
        self.process: subprocess.Popen[bytes] | None = None
        self._seen: set[int] = set()

    def start(self) -> dict[str, Any]:
        """Starts it and waits until it is ready; returns what up.json says."""
        self.launch()
        return self.await_ready()

    def launch(self) -> None:
        """Starts it."""
        environment = {name: text for name, text in os.environ.items() if name[:6] != "VIGIL_"}
        command = ["up", "--quiet", "--data", str(self.folder), "--hosts", "4", "--servers", "12"]
        with self.printed.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "interfaces.cli.main", *command, *self.words],
                env=environment,
                stdout=output,
                stderr=output,
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
        """The living processes that ever belonged to this directory, under any parent.

        They name it in their environment or arguments, have a file open in it, or descend from one
        that does. (A process that sets its title overwrites the first two.)
        """
        every = {int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()}
        every.discard(os.getpid())
        self._seen |= {pid for pid in every if self._names(pid) or self._opened(pid)}
        if self.process is not None and self.process.poll() is None:
            self._seen.add(self.process.pid)
        parents = {pid: _parent(pid) for pid in every}
        while found := {pid for pid in every - self._seen if parents[pid] in self._seen}:
            self._seen |= found
        return {pid for pid in self._seen if alive(pid)}

    def _names(self, pid: int) -> bool:
        entry = Path("/proc") / str(pid)
        with contextlib.suppress(OSError):
            output = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            return str(self.folder).encode() in output
        return False

    def _opened(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            for link in (Path("/proc") / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(self.folder) in str(link.readlink()):
                        return True
        return False

    def stop(self, signum: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(60)


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


@contextlib.contextmanager
def running_vigil(folder: Path, *words: str) -> Iterator[RunningVigil]:
    one = RunningVigil(folder, *words)
    try:
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait()
