import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DEADLINE = 30.0


def eventually(condition: Callable[[], Any], what: str, within: float = DEADLINE) -> Any:
    """Polls a condition until it is true and returns its value."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within:g} s: {what}")
        time.sleep(0.02)
    return value


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class Tree:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        *children: dict[str, Any],
        first_pause: float = 0.5,
        longest_pause: float = 30.0,
        healthy_after: float = 60.0,
    ) -> None:
        plan = {
            "children": children,
            "first_pause": first_pause,
            "longest_pause": longest_pause,
            "healthy_after": healthy_after,
        }
        (self.folder / "plan.json").write_text(json.dumps(plan))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.supervision.tree", str(self.folder)],
            stderr=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def wait_up(self) -> None:
        eventually((self.folder / "up").exists, f"the tree is up\n{self.log()}")

    def child(self, name: str) -> dict[str, Any]:
        path = self.folder / "report.json"
        reports = json.loads(path.read_text()) if path.exists() else []
        return next((one for one in reports if one["name"] == name), {})

    def child_pid(self, name: str, other_than: int = 0) -> int:
        """The pid of a child once it is ready (again)."""

        def found() -> int | None:
            one = self.child(name)
            ready = one.get("state") == "ready" and one["pid"] != other_than
            return one["pid"] if ready else None

        return int(eventually(found, f"{name} is ready\n{self.log()}"))

    def text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def log(self) -> str:
        return self.text("log")

    def stop(self, signum: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    one = Tree(tmp_path)
    yield one
    one.close()


@pytest.fixture
def kill() -> Callable[[int], None]:
    return lambda pid: os.kill(pid, signal.SIGKILL)
