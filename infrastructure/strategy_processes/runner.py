import signal
import threading
from collections.abc import Callable

import msgspec

from application.ports.strategy_runner import (
    STRATEGY_NOT_STARTED,
    STRATEGY_PROCESS_LOST,
    STRATEGY_TIME_LIMIT,
    Computation,
    ComputationFailed,
    RunnerStopped,
    StrategyRunner,
)
from domain.kernel.reasons import Cause
from infrastructure.process import ending
from infrastructure.strategy_processes.run_process import Computed, Failed, ProcessLimits
from infrastructure.strategy_processes.server_process import NotStarted, RunProcess, ServerProcess


class ProcessRunner:
    """Runs each strategy in a process of its own, forked from a warm one.

    Args:
        factory: a function of a module; returns the runner that each process uses.
        limits: of each run.
    """

    def __init__(self, factory: Callable[[], StrategyRunner], limits: ProcessLimits) -> None:
        self._factory = f"{factory.__module__}:{factory.__qualname__}"
        self._limits = limits
        self._lock = threading.Lock()
        self._server: ServerProcess | None = None
        self._closed = False

    def start(self) -> None:
        """Starts to load the strategies, so that the first run need not wait; returns at once."""
        with self._lock:
            self._opened()

    def run(self, content: bytes) -> Computation:
        """Runs the strategy of a decision record.

        Raises:
            ComputationFailed: it raised an error, exceeded a limit, or ended its process.
            RunnerStopped: ``close`` was called.
        """
        with self._lock:
            process = self._opened().fork()
        try:
            return self._computed(process, content)
        except ComputationFailed as failed:
            if self._closed:
                raise RunnerStopped from failed
            raise

    def close(self) -> None:
        """Ends all processes."""
        with self._lock:
            self._closed = True
            if self._server is not None:
                self._server.close()

    def _opened(self) -> ServerProcess:
        if self._closed:
            raise RunnerStopped
        if self._server is not None and self._server.has_ended():
            self._server.close()
            self._server = None
        if self._server is None:
            self._server = ServerProcess(self._factory, self._limits)
        return self._server

    def _computed(self, process: RunProcess, content: bytes) -> Computation:
        late = ComputationFailed(Cause(STRATEGY_TIME_LIMIT, {"limit": self._limits.seconds}))
        try:
            answer = process.ask(content, self._limits.seconds)
        except TimeoutError:
            raise late from None
        except NotStarted as error:
            raise ComputationFailed(Cause(STRATEGY_NOT_STARTED, {"error": str(error)})) from error
        if process.code == -signal.SIGXCPU:
            raise late
        if process.code != 0:
            end = "its parent ended" if process.code is None else ending(process.code)
            because = Cause(STRATEGY_PROCESS_LOST, {"pid": process.pid, "end": end})
            raise ComputationFailed(because)
        outcome = msgspec.msgpack.decode(answer, type=Computed | Failed)
        if isinstance(outcome, Computed):
            return outcome.computation
        failed = ComputationFailed(outcome.because)
        failed.add_note(outcome.trace)
        raise failed
