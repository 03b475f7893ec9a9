"""Strategies of another distribution: one kills its process, one takes its time."""

import os
import signal
import time
from pathlib import Path

from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.dummy import Dummy, DummyParameters

GATE = "VIGIL_TEST_GATE"
"""Environment variable: the file whose appearance lets the slow strategy end."""


class Deadly(Dummy):
    """Ends its process as a segmentation fault or the kernel's OOM killer does: without a word."""

    name = "deadly"
    display_name = "Deadly strategy"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        """Never returns."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


class Slow(Dummy):
    """Ends when a file appears."""

    name = "slow"
    display_name = "Slow strategy"

    def solve(self, context: StrategyContext[DummyParameters]) -> Solution:
        """What the dummy strategy says, later."""
        while not Path(os.environ[GATE]).exists():
            time.sleep(0.05)
        return super().solve(context)
