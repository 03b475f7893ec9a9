"""An engine's part of running strategies, as a process that a test can signal and kill.

    python -m tests.integration.strategy_processes.program FOLDER STRATEGY

Runs the strategy until SIGTERM or SIGINT, then closes the runner and ends with 0.
"""

import contextlib
import signal
import sys
import threading
from pathlib import Path

from application.ports.strategy_runner import RunnerStopped
from infrastructure.signals import handled_signals
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from tests.world.decisions import decision_record
from tests.world.hazards import HAZARDS, direct_runner


def main(folder: Path, strategy: str) -> None:
    runner = ProcessRunner(direct_runner, ProcessLimits(seconds=60, memory=256))
    content = decision_record(HAZARDS[strategy], parameters={"para2": str(folder)})
    stop = threading.Event()

    def run() -> None:
        with contextlib.suppress(RunnerStopped):
            runner.run(content)

    with handled_signals({signal.SIGTERM: stop.set, signal.SIGINT: stop.set}):
        runner.start()
        (folder / "started").touch()
        thread = threading.Thread(target=run)
        thread.start()
        stop.wait()
        runner.close()
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
