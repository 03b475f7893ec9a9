"""What `vigil up` costs the machine it runs on: start, memory, and CPU while nothing happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.cpu import PROC, cpu_seconds_of, settle
from tests.benchmarks.report import Figure, Table, of_figures
from tests.ports import free_port

IDLE = 60.0
"""Seconds of observation."""
STARTS = 3
PATIENCE = 60.0
_STOPPING = 40.0


@dataclass(frozen=True)
class Running:
    """`vigil up`: its process, the URL of its API, the seconds until it was ready."""

    pid: int
    url: str
    seconds: float


def run(*, quick: bool = False) -> Table:
    """The footprint of one installation with its simulated cloud, on SQLite."""
    starts = []
    for _ in range(1 if quick else STARTS):
        with running() as up:
            starts.append(up.seconds)
    with running() as up:
        starts.append(up.seconds)
        settle(tree(up.pid))
        figures = _figures(up.pid, 5.0 if quick else IDLE)
    return of_figures(
        "One machine",
        [("`vigil up`: ready after, best of starts", min(starts), "s"), *figures],
        "`vigil up` with its simulated cloud (30 hosts, 300 servers), NATS and SQLite, on an empty "
        "directory, without a client. Memory is the sum of the processes' proportional shares "
        "(PSS); CPU is that of all of them.",
    )


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """An installation of its own."""
    with TemporaryDirectory(prefix="vigil-bench-") as folder:
        environment = {name: text for name, text in os.environ.items() if name[:6] != "VIGIL_"}
        port = ("--api-port", str(free_port()))
        command = (sys.executable, "-m", "interfaces.cli.main", "up", "--quiet", *port, *arguments)
        begun = time.monotonic()
        with subprocess.Popen(
            (*command, "--data", str(Path(folder) / "data")),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            try:
                url = process.stdout.readline().decode().strip()
                if not url:
                    raise AssertionError("`vigil up` did not start")
                yield Running(process.pid, url, time.monotonic() - begun)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(_STOPPING)


def tree(root: int) -> list[int]:
    """A process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(words[1]), []).append(int(entry.name))
    found = [root]
    for one in found:
        found += children.get(one, [])
    return found


def memory(processes: list[int]) -> float:
    """The proportional share of memory of some processes together, MB."""
    return sum(map(_share, processes)) / 1024


def _share(process: int) -> int:
    text = (PROC / str(process) / "smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _figures(root: int, seconds: float) -> list[Figure]:
    processes = tree(root)
    share = memory(processes)
    before = cpu_seconds_of(processes)
    time.sleep(seconds)
    used = cpu_seconds_of(processes) - before
    return [
        ("processes", float(len(processes)), ""),
        ("memory", share, "MB"),
        ("CPU while idle", 100 * used / seconds, "% of a core"),
    ]
