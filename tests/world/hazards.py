"""Strategies that would take their process along, and the runner that has them."""

import ctypes
import os
import re
import resource
import signal
import stat
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from application.decision_engine.computation import DirectRunner
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.dummy import Dummy, DummyParameters
from domain.optimization.strategy import Strategy
from infrastructure.plugins import Registry

STDERR = 2
BIG = 10 * 2**30
"""Bytes."""


class Endless(Dummy):
    name = "endless"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        while True:
            pass


class Stuck(Dummy):
    """Never returns from C, so that no other thread of its process runs."""

    name = "stuck"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        re.match("(a+)+$", "a" * 60 + "b")
        return super().solve(context)


class Killed(Dummy):
    """Ends as the kernel's OOM killer ends a process."""

    name = "killed"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().solve(context)


class Crashing(Dummy):
    name = "crashing"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        ctypes.string_at(0)
        return super().solve(context)


class Greedy(Dummy):
    """Allocates 10 GiB, and does not write to them: where it may have them, that costs nothing."""

    name = "greedy"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        assert np.zeros(BIG, np.uint8).size == BIG
        return super().solve(context)


class Exiting(Dummy):
    name = "exiting"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        sys.exit("enough")


class Failing(Dummy):
    name = "failing"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        raise LookupError("no such host")


class Patient(Dummy):
    """Writes its process id into the folder ``para2``, and waits there for a file ``go``."""

    name = "patient"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        folder = Path(context.parameters.para2)
        written = folder / "pid.new"
        written.write_text(str(os.getpid()))
        written.rename(folder / "pid")  # a reader sees the whole file or none
        while not (folder / "go").exists():
            time.sleep(0.01)
        return super().solve(context)


class Curious(Dummy):
    """Tells what its process can reach: descriptors above stderr, environment, limits."""

    name = "curious"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        open_now = [int(one.name) for one in Path("/proc/self/fd").iterdir() if one.exists()]
        facts: JsonObject = {
            "sockets": [one for one in open_now if one > STDERR and stat.S_ISSOCK(_mode(one))],
            "others": [one for one in open_now if one > STDERR and not stat.S_ISSOCK(_mode(one))],
            "environment": dict(os.environ),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
            "oom": int(Path("/proc/self/oom_score_adj").read_text()),
        }
        return Solution((), notes=(Cause("test.seen", facts),))


def _mode(descriptor: int) -> int:
    return os.fstat(descriptor).st_mode


HAZARDS: Mapping[str, Strategy[Any]] = {
    one.name: one
    for one in (
        Endless(),
        Stuck(),
        Killed(),
        Crashing(),
        Greedy(),
        Exiting(),
        Failing(),
        Patient(),
        Curious(),
    )
}


def direct_runner() -> DirectRunner:
    """Runs these strategies and the product's."""
    found = Registry().optimizers
    return DirectRunner(replace(found, strategies={**found.strategies, **HAZARDS}))


def no_runner() -> DirectRunner:
    """Fails, as the import of a broken library does."""
    raise ImportError("a library is missing")
