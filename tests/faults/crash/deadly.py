"""Strategies of another distribution: one kills a process, one takes its time."""

import os
import signal
import time
from pathlib import Path

from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategies.dummy import Dummy, DummyParameters
from domain.optimization.strategy import Requirements

GATE = "TEST_GATE"
"""Environment variable: the file whose appearance lets the slow strategy end."""


class Deadly(Dummy):
    """Ends a process as a segmentation fault or the kernel's OOM killer does: without a word.

    With ``para2`` = ``engine``, that of the engine: an engine asks for the requirements itself.
    """

    name = "deadly"
    display_name = "Deadly strategy"

    def requirements(self, parameters: DummyParameters) -> Requirements:
        """Returns only if the parameters do not name the engine."""
        if parameters.para2 == "engine":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().requirements(parameters)

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
