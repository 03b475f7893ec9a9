"""Strategies cannot harm their engine: a crash, an endless loop or too much memory cost one run."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from application.ports.strategy_runner import (
    STRATEGY_MEMORY_LIMIT,
    STRATEGY_PROCESS_LOST,
    STRATEGY_TIME_LIMIT,
)
from domain.audits import AuditState
from domain.kernel.reasons import OWNER_STOPPING, Reason
from infrastructure.event_log import SqlEventLog, open_event_log, upgrade
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from tests.integration.decision_engine.test_lost_runs import beside
from tests.integration.supervision.conftest import alive, eventually
from tests.world.engine import EngineWorld, reason
from tests.world.hazards import BIG, HAZARDS, direct_runner
from tests.world.processes import children

SERVER = "infrastructure.strategy_processes"
LIMITS = ProcessLimits(seconds=2, memory=256)
UNLIMITED = ProcessLimits(seconds=60, memory=256)
HARMFUL = {
    "endless": STRATEGY_TIME_LIMIT,
    "stuck": STRATEGY_TIME_LIMIT,
    "killed": STRATEGY_PROCESS_LOST,
    "crashing": STRATEGY_PROCESS_LOST,
    "greedy": STRATEGY_MEMORY_LIMIT,
}


@pytest.fixture
def log(sqlite_url: str) -> Iterator[SqlEventLog]:
    upgrade(sqlite_url)
    opened = open_event_log(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def world(sqlite_url: str, log: SqlEventLog) -> Iterator[EngineWorld]:
    """An engine whose strategies run in processes."""
    with EngineWorld(sqlite_url, log) as opened:
        opened.strategies |= HAZARDS
        opened.runner = ProcessRunner(direct_runner, LIMITS)
        yield opened
        opened.runner.close()


def request(world: EngineWorld, strategy: str, folder: Path | None = None) -> UUID:
    parameters = {} if folder is None else {"para2": str(folder)}
    return world.request(goal="dummy", strategy=strategy, parameters=parameters)


@pytest.mark.parametrize(("strategy", "because"), HARMFUL.items(), ids=HARMFUL)
def test_a_harmful_strategy_costs_its_own_run_only(
    world: EngineWorld, strategy: str, because: Reason
) -> None:
    """The engine makes another run meanwhile, and one after it."""
    harmful, other, next_one = (request(world, name) for name in (strategy, "dummy", "dummy"))
    engine = world.engine()
    with beside(lambda: engine.process(harmful)):
        engine.process(other)
        if because is STRATEGY_TIME_LIMIT:
            assert world.find_audit(harmful).state is AuditState.ONGOING
    engine.process(next_one)
    assert world.find_audit(other).state is AuditState.SUCCEEDED
    assert world.find_audit(next_one).state is AuditState.SUCCEEDED
    assert world.find_audit(harmful).state is AuditState.FAILED
    assert reason(world, harmful) == because
    (server,) = children(os.getpid(), SERVER)
    assert children(server) == [], "every process has ended and was reaped"


@pytest.mark.parametrize("strategy", ["killed", "crashing", "greedy"])
def test_a_run_lives_through_the_failure_of_another(
    world: EngineWorld, tmp_path: Path, strategy: str
) -> None:
    world.runner = ProcessRunner(direct_runner, UNLIMITED)
    patient, harmful = request(world, "patient", tmp_path), request(world, strategy)
    engine = world.engine()
    with beside(lambda: engine.process(patient)):
        eventually((tmp_path / "pid").exists, "the patient run has begun")
        engine.process(harmful)
        assert reason(world, harmful) == HARMFUL[strategy]
        (tmp_path / "go").touch()
    world.runner.close()
    assert world.find_audit(patient).state is AuditState.SUCCEEDED


WITHOUT = """
import sys
from tests.world.decisions import decision_record
from tests.world.hazards import HAZARDS, direct_runner
runner = direct_runner()
print("begun", flush=True)
runner.run(decision_record(HAZARDS[sys.argv[1]]))
print("ended", flush=True)
"""


@pytest.mark.parametrize("strategy", HARMFUL)
def test_without_processes_the_same_strategies_do_harm(strategy: str) -> None:
    """The control: they hold their thread for ever, end the process, or take all memory."""
    process = subprocess.Popen(
        (sys.executable, "-c", WITHOUT, strategy),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == "begun\n"
        if HARMFUL[strategy] is STRATEGY_TIME_LIMIT:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(LIMITS.seconds + 1)
            process.kill()
        elif HARMFUL[strategy] is STRATEGY_MEMORY_LIMIT and not output.readline():
            pytest.skip(f"this machine has no {BIG} bytes")
        assert process.wait(20) == ENDS[strategy]


ENDS = {
    "endless": -signal.SIGKILL,
    "stuck": -signal.SIGKILL,
    "killed": -signal.SIGKILL,
    "crashing": -signal.SIGSEGV,
    "greedy": 0,
}
"""Exit codes; the first two are the test's doing."""


def test_an_engine_that_stops_ends_a_run_that_does_not_end(
    world: EngineWorld, tmp_path: Path
) -> None:
    """Its thread stayed in the strategy, until a supervisor lost patience and killed the engine."""
    world.runner = ProcessRunner(direct_runner, UNLIMITED)
    audit = request(world, "patient", tmp_path)
    engine, stop = world.engine(), threading.Event()
    with beside(lambda: engine.process(audit)):
        eventually((tmp_path / "pid").exists, "the run has begun")
        stop.set()
        engine.release_at_stop(stop, timeout=0.05)
    assert not alive(int((tmp_path / "pid").read_text()))
    assert reason(world, audit) == OWNER_STOPPING
    assert world.find_audit(audit).state is AuditState.ONGOING


def test_a_run_whose_runner_is_closed_is_given_back(world: EngineWorld, tmp_path: Path) -> None:
    """Also if the engine could not give it back before."""
    world.runner = runner = ProcessRunner(direct_runner, UNLIMITED)
    audit = request(world, "patient", tmp_path)
    engine = world.engine()
    with beside(lambda: engine.process(audit)):
        eventually((tmp_path / "pid").exists, "the run has begun")
        runner.close()
    assert reason(world, audit) == OWNER_STOPPING
    world.runner = ProcessRunner(direct_runner, LIMITS)
    (tmp_path / "go").touch()
    world.work(world.engine("two"))
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
