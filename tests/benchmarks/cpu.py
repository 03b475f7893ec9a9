"""The CPU time of other processes, from /proc."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
QUIET = 0.05
"""Share of a core that a server may use and still be called quiet."""
WINDOW = 0.5
PATIENCE = 15.0
"""Seconds."""
_TICKS = os.sysconf("SC_CLK_TCK")
_GROUP, _USER, _REST = 2, 11, 15
"""Places in /proc/…/stat behind the command: process group; user and system time, own and that of
children that have ended."""


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU seconds used so far by processes, and by all in the process groups that they lead.

    NaN where there is no /proc.
    """
    if not (PROC / "self" / "stat").exists():
        return float("nan")
    wanted = set(roots)
    numbers = [entry for entry in PROC.iterdir() if entry.name.isdecimal()]
    return sum(_ticks(entry, wanted) for entry in numbers) / _TICKS


def cpu_seconds_of(processes: Iterable[int]) -> float:
    """CPU seconds used so far by some processes alone, children that have ended included."""
    chosen = set(processes)
    return sum(_ticks(PROC / str(one), chosen) for one in chosen) / _TICKS


def settle(roots: Iterable[int]) -> None:
    """Waits until processes are quiet: all workers have started. Not for ever."""
    roots = list(roots)
    deadline = time.monotonic() + PATIENCE
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        before = cpu_seconds(roots)
        time.sleep(WINDOW)
        quiet = quiet + 1 if cpu_seconds(roots) - before < QUIET * WINDOW else 0


def _ticks(process: Path, wanted: set[int]) -> int:
    try:
        words = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended meanwhile: its time is in that of its parent
    if int(process.name) in wanted or int(words[_GROUP]) in wanted:
        return sum(map(int, words[_USER:_REST]))
    return 0
