"""One run of a strategy in a process of its own: ``python -m tests.benchmarks.strategies.ours``.

It reads the case and the cluster file as JSON from its standard input and writes what it found to
its standard output.
"""

import gc
import json
import os
import subprocess
import sys
import time
from typing import Any
from unittest.mock import patch

from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import Strategy
from tests.benchmarks.cluster_core import forget_peak, peak_mb
from tests.benchmarks.strategies.cases import Data, parameters_of
from vigil.testing.runs import installed, solve, violations


def in_new_process(case: str, data: Data, migrations: int = 0) -> dict[str, Any]:
    """A run of a case in a new process with one thread.

    Args:
        case: name of a strategy, or one of ``cases.CASES``.
        data: a cluster file.
        migrations: the most of its plan, where the case is limited; 0: no limit.

    Returns:
        ``cpu`` (s, from the rows of the cluster to the plan), ``alone`` (s, of the strategy's
        ``solve`` in it: model and metrics are there, and the planner follows), ``memory`` (MB, the
        peak of the process with the rows in it), ``actions``, and ``violations``: rules that the
        plan breaks.

    Raises:
        subprocess.CalledProcessError: the run failed; the process has printed why.
    """
    asked = json.dumps({"case": case, "data": data, "migrations": migrations})
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__]
    done = subprocess.run(
        command, input=asked, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _run() -> dict[str, Any]:
    asked = json.loads(sys.stdin.read())
    data = asked["data"]
    strategy, parameters = parameters_of(asked["case"], data, asked["migrations"])
    kind = type(installed().strategies[strategy])
    solve_alone, alone = kind.solve, list[float]()

    def timed(self: Strategy[Any], context: StrategyContext[Any]) -> Solution:
        begun = time.process_time()
        found = solve_alone(self, context)
        alone.append(time.process_time() - begun)
        return found

    gc.collect()
    forget_peak()
    with patch.object(kind, "solve", timed):
        begun = time.process_time()
        result = solve(strategy, data, parameters)
        cpu = time.process_time() - begun
    return {
        "cpu": cpu,
        "alone": alone[0],
        "memory": peak_mb(),
        "actions": result.actions(),
        "violations": len(violations(result)),
    }


if __name__ == "__main__":
    json.dump(_run(), sys.stdout)
