"""The processes of strategies: their limits, their surroundings, their end."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from application.ports.strategy_runner import (
    STRATEGY_MEMORY_LIMIT,
    STRATEGY_NOT_STARTED,
    STRATEGY_PROCESS_LOST,
    STRATEGY_TIME_LIMIT,
    Computation,
    ComputationFailed,
    RunnerStopped,
)
from domain.audits.reasons import STRATEGY_FAILED
from domain.kernel.reasons import Cause
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from interfaces.bootstrap import strategies
from tests.integration.supervision.conftest import alive, eventually
from tests.world.decisions import decision_record
from tests.world.hazards import HAZARDS, direct_runner, no_runner
from tests.world.plugins import STRATEGIES
from tests.world.processes import children

LIMITS = ProcessLimits(seconds=60, memory=256)
HASTY = ProcessLimits(seconds=1, memory=256)
SERVER = "infrastructure.strategy_processes"
PROGRAM = (sys.executable, "-m", "tests.integration.strategy_processes.program")


@pytest.fixture
def runner() -> Iterator[ProcessRunner]:
    found = ProcessRunner(direct_runner, LIMITS)
    yield found
    found.close()


@pytest.fixture
def hasty() -> Iterator[ProcessRunner]:
    found = ProcessRunner(direct_runner, HASTY)
    yield found
    found.close()


class PatientRun:
    """A run on a thread of its own that waits for ``go``."""

    def __init__(self, runner: ProcessRunner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self._content = decision_record(HAZARDS["patient"], parameters={"para2": str(folder)})
        self.result: Computation | Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        eventually((folder / "pid").exists, "the run has begun")
        self.pid = int((folder / "pid").read_text())

    def _run(self) -> None:
        try:
            self.result = self._runner.run(self._content)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.result = error

    def go(self) -> None:
        (self._folder / "go").touch()

    def outcome(self) -> Computation | Exception | None:
        self._thread.join(20)
        return self.result


def failure(runner: ProcessRunner, strategy: str) -> Cause:
    with pytest.raises(ComputationFailed) as caught:
        runner.run(decision_record(HAZARDS[strategy]))
    return caught.value.because


def plan_of_dummy(runner: ProcessRunner) -> int:
    return len(runner.run(decision_record(STRATEGIES["dummy"])).actions)


@pytest.mark.parametrize(
    ("strategy", "because"),
    [
        ("endless", Cause(STRATEGY_TIME_LIMIT, {"limit": HASTY.seconds})),
        ("stuck", Cause(STRATEGY_TIME_LIMIT, {"limit": HASTY.seconds})),
        ("greedy", Cause(STRATEGY_MEMORY_LIMIT, {"limit": HASTY.memory})),
        ("failing", Cause(STRATEGY_FAILED, {"error": "LookupError: no such host"})),
        ("exiting", Cause(STRATEGY_FAILED, {"error": "SystemExit: enough"})),
    ],
)
def test_a_run_that_fails_says_why(hasty: ProcessRunner, strategy: str, because: Cause) -> None:
    assert failure(hasty, strategy) == because
    assert plan_of_dummy(hasty) == 3


@pytest.mark.parametrize(("strategy", "end"), [("killed", "SIGKILL"), ("crashing", "SIGSEGV")])
def test_a_process_that_dies_is_named(runner: ProcessRunner, strategy: str, end: str) -> None:
    because = failure(runner, strategy)
    assert (because.reason, because.facts["end"]) == (STRATEGY_PROCESS_LOST, end)
    assert not alive(int(str(because.facts["pid"])))
    assert plan_of_dummy(runner) == 3


def test_the_error_of_a_strategy_comes_with_its_traceback(runner: ProcessRunner) -> None:
    with pytest.raises(ComputationFailed) as caught:
        runner.run(decision_record(HAZARDS["failing"]))
    assert "hazards.py" in caught.value.__notes__[0]


def test_a_failed_run_leaves_no_process_behind(hasty: ProcessRunner) -> None:
    plan_of_dummy(hasty)
    (server,) = children(os.getpid(), SERVER)
    for strategy in ("endless", "killed", "greedy"):
        failure(hasty, strategy)
        assert children(server) == []  # not even a zombie
    hasty.close()
    assert children(os.getpid(), SERVER) == []


def test_a_run_lives_through_the_failures_of_others(runner: ProcessRunner, tmp_path: Path) -> None:
    patient = PatientRun(runner, tmp_path)
    for strategy in ("killed", "crashing", "greedy"):
        failure(runner, strategy)
    assert patient.result is None
    patient.go()
    assert isinstance(patient.outcome(), Computation)


def seen_by(runner: ProcessRunner) -> dict[str, Any]:
    (note,) = runner.run(decision_record(HAZARDS["curious"])).notes
    return note.facts


def test_a_process_reaches_neither_sockets_nor_settings_of_the_engine(
    runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_DATABASE_CONNECTION", "postgresql://vigil:secret@db/vigil")
    monkeypatch.setenv("OS_PASSWORD", "secret")
    monkeypatch.setenv("PLAIN", "yes")
    engines, other = os.pipe()
    os.set_inheritable(engines, True)
    seen = seen_by(runner)
    os.close(engines)
    os.close(other)
    assert len(seen["sockets"]) == 1, "only the one for its answer"
    assert seen["others"] == []
    assert seen["environment"]["PLAIN"] == "yes"
    assert "secret" not in str(seen["environment"])


@pytest.fixture
def core_dumps() -> Iterator[None]:
    """The processes that are started meanwhile may dump core."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def test_a_process_has_limits_of_the_kernel_too(core_dumps: None, runner: ProcessRunner) -> None:
    seen = seen_by(runner)
    assert seen["core"] == 0
    assert LIMITS.seconds < seen["cpu"] < LIMITS.seconds + 10
    assert seen["oom"] == 1000


def test_numerical_libraries_get_one_thread(runner: ProcessRunner) -> None:
    """A run uses one core, and sums do not depend on the number of cores."""
    environment = seen_by(runner)["environment"]
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    assert {environment.get(name) for name in names} == {"1"}


def test_the_product_loads_its_strategies(capfd: pytest.CaptureFixture[str]) -> None:
    runner = ProcessRunner(strategies.direct_runner, LIMITS)
    assert plan_of_dummy(runner) == 3
    runner.close()
    assert capfd.readouterr().err == ""


def test_strategies_that_cannot_be_loaded_fail_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    runner = ProcessRunner(no_runner, LIMITS)
    runner.start()
    assert failure(runner, "failing").reason == STRATEGY_NOT_STARTED
    runner.close()
    assert "a library is missing" in capfd.readouterr().err


def test_a_fork_server_that_was_killed_is_started_again(runner: ProcessRunner) -> None:
    plan_of_dummy(runner)
    (server,) = children(os.getpid(), SERVER)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: not alive(server), "it has ended")
    assert plan_of_dummy(runner) == 3
    assert children(os.getpid(), SERVER) != [server]


def test_a_run_ends_with_its_fork_server(runner: ProcessRunner, tmp_path: Path) -> None:
    patient = PatientRun(runner, tmp_path)
    (server,) = children(os.getpid(), SERVER)
    os.kill(server, signal.SIGKILL)
    error = patient.outcome()
    assert isinstance(error, ComputationFailed)
    assert error.because.reason == STRATEGY_PROCESS_LOST
    eventually(lambda: not alive(patient.pid), "its process has ended")


def test_closing_ends_the_runs_at_once(runner: ProcessRunner, tmp_path: Path) -> None:
    patient = PatientRun(runner, tmp_path)
    runner.close()
    assert isinstance(patient.outcome(), RunnerStopped)
    assert not alive(patient.pid)
    with pytest.raises(RunnerStopped):
        plan_of_dummy(runner)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts the program in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(strategy: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            (*PROGRAM, str(tmp_path), strategy),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["started", "pid"])
def test_a_signal_to_the_whole_group_ends_it_without_a_word(
    program: Callable[[str], subprocess.Popen[str]],
    tmp_path: Path,
    signum: signal.Signals,
    moment: str,
) -> None:
    """Ctrl-C in a terminal and a service manager signal all processes, at any moment."""
    process = program("patient")
    eventually((tmp_path / moment).exists, "the moment has come")
    os.killpg(process.pid, signum)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "")


@pytest.mark.parametrize("strategy", ["patient", "stuck"])
def test_strategies_end_with_a_killed_engine(
    program: Callable[[str], subprocess.Popen[str]], tmp_path: Path, strategy: str
) -> None:
    process = program(strategy)
    server = eventually(lambda: children(process.pid, SERVER), "the fork server has started")[0]
    run = eventually(lambda: children(server), "the run has begun")[0]
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not alive(server) and not alive(run), "the others have ended, too")
