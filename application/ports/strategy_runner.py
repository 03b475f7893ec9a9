"""The port that runs a strategy and its planner on a stored decision record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.audits.reasons import STRATEGY_FAILED
from domain.kernel.reasons import Cause, Reason
from domain.optimization.solution import Rejection
from domain.plans.proposal import PlannedAction, Target

STRATEGY_TIME_LIMIT = Reason(
    "strategy-time-limit",
    "The strategy did not end within {limit} s ([vigil] strategy_timeout).",
    limit="s",
)
STRATEGY_MEMORY_LIMIT = Reason(
    "strategy-memory-limit",
    "The strategy needed more than {limit} MiB of memory ([vigil] strategy_memory).",
    limit="MiB",
)
STRATEGY_PROCESS_LOST = Reason(
    "strategy-process-lost", "Process {pid} ended while it ran the strategy: {end}."
)
STRATEGY_NOT_STARTED = Reason(
    "strategy-not-started", "No process could be started to run the strategy: {error}"
)


@dataclass(frozen=True)
class Computation:
    """The result of a strategy and its planner.

    Attributes:
        actions: in plan order, parents before children.
        indicators: efficacy indicator name → value; a whole number stays one when it is decoded.
        notes: remarks on the result.
        rejections: the first alternatives that were considered and rejected.
        rejection_count: number of all of them.
        targets: what is known of what the actions act on, in their order.
    """

    actions: tuple[PlannedAction, ...]
    indicators: Mapping[str, int | float]
    notes: tuple[Cause, ...]
    rejections: tuple[Rejection, ...]
    rejection_count: int
    targets: tuple[Target, ...] = ()


class ComputationFailed(Exception):
    """A strategy or planner gave no result.

    Attributes:
        because: why the run fails.
    """

    def __init__(self, because: Cause) -> None:
        super().__init__(str(because))
        self.because = because


def failure_of(error: BaseException) -> Cause:
    """Why a run fails whose strategy or planner raised an error."""
    if isinstance(error, ComputationFailed):
        return error.because
    return Cause(STRATEGY_FAILED, {"error": f"{type(error).__name__}: {error}"})


class RunnerStopped(Exception):
    """The runner is being stopped and has ended the computation; another runner may repeat it."""


class StrategyRunner(Protocol):
    """Runs strategies. Any number of threads may use it at once."""

    def run(self, content: bytes) -> Computation:
        """Runs the strategy and the planner that a decision record names.

        Args:
            content: the record, encoded as it is stored.

        Raises:
            ComputationFailed: the strategy or the planner failed.
            Exception: likewise, and it ran in this process.
            RunnerStopped: ``close`` was called.
        """
        ...

    def close(self) -> None:
        """Ends all computations, and makes ``run`` refuse new ones."""
        ...
