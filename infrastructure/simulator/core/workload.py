"""How much CPU and memory servers use, as closed formulas over simulated time."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from infrastructure.simulator.core.model import Server

BoolArray = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_RAM_SWING = 0.03  # of the mean


class LoadTable:
    """The loads of all servers as columns; row i is the i-th server of the list.

    CPU use is cores + swing x sin(2 pi t / period + phase), so its integral (what a counter
    shows) is exact at every instant, and every answer is a function of the seed and the time.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        loads = [s.load for s in servers]
        self._cores = np.array([load.cores for load in loads], dtype=np.float64)
        self._swing = np.array([load.swing for load in loads], dtype=np.float64)
        self._period = np.array([load.period for load in loads], dtype=np.float64)
        self._phase = np.array([load.phase for load in loads], dtype=np.float64)
        self._ram = np.array([load.ram_mb for load in loads], dtype=np.float64)

    def peak(self, rows: Indices) -> float:
        """The most these servers can use together: cores."""
        return float(np.sum(self._cores[rows] + self._swing[rows]))

    def cpu(self, rows: Indices, times: Floats) -> Floats:
        """Cores that servers want to use: float64[rows, times]."""
        angle = 2 * math.pi * times / self._period[rows, None] + self._phase[rows, None]
        wanted = self._cores[rows, None] + self._swing[rows, None] * np.sin(angle)
        return np.asarray(wanted, dtype=np.float64)

    def cpu_integral(self, rows: Indices, times: Floats) -> Floats:
        """CPU-seconds used since time 0: float64[rows, times]."""
        period, phase = self._period[rows, None], self._phase[rows, None]
        wave = np.cos(phase) - np.cos(2 * math.pi * times / period + phase)
        integral = (
            self._cores[rows, None] * times
            + self._swing[rows, None] * period / (2 * math.pi) * wave
        )
        return np.asarray(integral, dtype=np.float64)

    def memory(self, rows: Indices, times: Floats) -> Floats:
        """Resident memory: float64[rows, times], MiB."""
        angle = 2 * math.pi * times / self._period[rows, None] + 2 * self._phase[rows, None]
        used = self._ram[rows, None] * (1 + _RAM_SWING * np.sin(angle))
        return np.asarray(used, dtype=np.float64)
