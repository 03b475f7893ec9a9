"""What every runner of strategies does, in this process or in others."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.strategy_runner import Computation, StrategyRunner, failure_of
from application.records.decision import FORMAT, DecisionExplanation, encode
from domain.audits.reasons import STRATEGY_FAILED
from domain.cluster.formats.cluster_file import read_cluster
from domain.kernel.reasons import Cause
from infrastructure.strategy_processes import ProcessLimits, ProcessRunner
from tests.world.decisions import decision_record
from tests.world.hazards import HAZARDS, direct_runner
from tests.world.plugins import STRATEGIES

SCENARIOS = Path(__file__).parents[2] / "scenarios" / "vm_workload_consolidation"
CLUSTERS = sorted(SCENARIOS.glob("*/cluster.json"))


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessRunner]:
    runner = ProcessRunner(direct_runner, ProcessLimits(seconds=60, memory=1024))
    yield runner
    runner.close()


@pytest.fixture(params=["direct", "processes"])
def runner(request: pytest.FixtureRequest) -> StrategyRunner:
    found: StrategyRunner = (
        direct_runner() if request.param == "direct" else request.getfixturevalue("processes")
    )
    return found


def stored(found: Computation) -> bytes:
    """A result as the engine stores it."""
    return encode(
        DecisionExplanation(
            format=FORMAT,
            record="",
            actions=list(found.actions),
            rejections=list(found.rejections),
            rejection_count=found.rejection_count,
            notes=list(found.notes),
            indicators=dict(found.indicators),
        )
    )


def test_a_record_becomes_a_plan(runner: StrategyRunner) -> None:
    found = runner.run(decision_record(STRATEGIES["dummy"], parameters={"para2": "bye"}))
    assert [one.action.type for one in found.actions] == ["nop", "nop", "sleep"]
    assert found.actions[1].action.parameters == {"message": "bye"}
    assert [one.parents for one in found.actions] == [(), (), (0, 1)]


@pytest.mark.parametrize("path", CLUSTERS, ids=lambda path: path.parent.name)
def test_every_runner_finds_the_same_plan(processes: ProcessRunner, path: Path) -> None:
    """The explanation, and with it its digest, is the same to the byte."""
    strategy = STRATEGIES["vm_workload_consolidation"]
    content = decision_record(strategy, read_cluster(json.loads(path.read_text())))
    assert stored(processes.run(content)) == stored(direct_runner().run(content))


def test_some_of_these_plans_have_actions() -> None:
    clusters = [read_cluster(json.loads(path.read_text())) for path in CLUSTERS]
    strategy = STRATEGIES["vm_workload_consolidation"]
    counts = [len(direct_runner().run(decision_record(strategy, one)).actions) for one in clusters]
    assert max(counts) > 2


def test_an_error_of_a_strategy_is_a_reason(runner: StrategyRunner) -> None:
    with pytest.raises(Exception, match="no such host") as caught:
        runner.run(decision_record(HAZARDS["failing"]))
    because = Cause(STRATEGY_FAILED, {"error": "LookupError: no such host"})
    assert failure_of(caught.value) == because


def test_the_next_run_after_an_error_succeeds(runner: StrategyRunner) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="no such host"):
            runner.run(decision_record(HAZARDS["failing"]))
        assert runner.run(decision_record(STRATEGIES["dummy"])).actions
