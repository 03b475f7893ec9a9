"""What benchmarks of whole installations stand on: databases, processes, and their CPU time."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.crash.installation import Cloud, Installation, eventually
from tests.postgres import Cluster

DATABASES = ("sqlite", "postgresql")
HOSTS, SERVERS, SEED = 30, 300, 42
"""The demo's cloud."""
SPEED = 20.0
"""Simulated seconds per second."""
_TICKS = os.sysconf("SC_CLK_TCK")
_GROUP, _USER, _REST = 2, 11, 15
"""Places in /proc/…/stat behind the command: process group; user and system time, own and that of
children that have ended."""


@dataclass(frozen=True)
class Ground:
    """An installation, its database and the cloud it optimises."""

    house: Installation
    cloud: Cloud
    database: str


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """URL of an empty database that waits for the disk; it is gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'vigil.sqlite'}"
        return
    cluster = Cluster(durable=True)
    try:
        cluster.start()
        yield cluster.url
    finally:
        cluster.remove()


@contextmanager
def ground(kind: str, options: Mapping[str, str]) -> Iterator[Ground]:
    """An installation beside the demo's cloud. No role runs yet; nothing is left afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vigil-bench-")))
        url = stack.enter_context(database(kind, folder))
        cloud = Cloud(folder, SPEED)
        stack.callback(cloud.stop)
        cloud.replace(HOSTS, SERVERS, SEED)
        house = Installation(folder, url, cloud, options)
        stack.callback(house.stop)
        yield Ground(house, cloud, url)


def await_catalogue(house: Installation) -> None:
    """Waits until goals and strategies are registered and shown."""

    def registered() -> bool | None:
        return bool(house.ask("GET", "/v1/strategies")["strategies"]) or None

    eventually("strategies are listed", registered)


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU seconds used so far by processes, and by all in the process groups that they lead.

    NaN where there is no /proc.
    """
    wanted = set(roots)
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return float("nan")
    total = 0
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            total += _ticks(entry, wanted)
    return total / _TICKS


def _ticks(process: Path, wanted: set[int]) -> int:
    try:
        words = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended meanwhile: its time is in that of its parent
    if int(process.name) in wanted or int(words[_GROUP]) in wanted:
        return sum(map(int, words[_USER:_REST]))
    return 0
