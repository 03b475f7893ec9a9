"""dummy_with_scorer and dummy_with_resize."""

from dataclasses import replace

import pytest

from application.decision_engine.computation import DirectRunner
from application.ports.strategy_runner import ComputationFailed
from application.simulation.offline import solve_offline
from domain.kernel.errors import NotFound
from domain.optimization.scoring import (
    SCORING_ENGINE_CHANGED,
    SCORING_ENGINE_MISSING,
    EngineIdentity,
)
from domain.optimization.solution import Solution
from domain.optimization.strategies.dummy_with_resize import MIGRATED, RESIZED
from tests.unit.cluster.build import host, model, server
from tests.world.decisions import decision_record
from tests.world.optimization import strategy_context
from tests.world.plugins import OPTIMIZERS, STRATEGIES

SCORER, RESIZE = STRATEGIES["dummy_with_scorer"], STRATEGIES["dummy_with_resize"]
ENGINES = ("dummy_scorer", "dummy_avg_scorer")


def identities() -> tuple[EngineIdentity, ...]:
    return tuple(OPTIMIZERS.engines[name].identity for name in ENGINES)


def proposed(solution: Solution) -> list[tuple[str, str, object]]:
    return [(one.type, one.resource_id, one.parameters) for one in solution.actions]


def test_a_scorer_gives_the_messages_and_the_pause() -> None:
    found = DirectRunner(OPTIMIZERS).run(decision_record(SCORER, engines=identities()))
    parameters = [planned.action.parameters for planned in found.actions]
    assert [list(one) for one in parameters] == [["message"]] * 3 + [["duration"]]
    messages = [str(one["message"]) for one in parameters[:3]]
    assert messages[0] == "Hello from Dummy Strategy with Scorer!"
    assert messages[1].startswith("Detected Workload: ")
    assert 0 <= float(messages[2].removeprefix("AVG Scorer result: ")) < 1000
    assert parameters[3] == {"duration": 5.0}


def test_a_record_with_the_same_engines_gives_the_same_plan() -> None:
    """Scores are part of the decision, so the record tells which engine gave them."""
    content = decision_record(SCORER, engines=identities())
    first, second = (DirectRunner(OPTIMIZERS).run(content) for _ in range(2))
    assert first == second


def test_a_record_of_another_version_of_an_engine_is_not_repeated() -> None:
    """A newer engine may rate otherwise: its plan would be another one, under the old record."""
    classifier, average = identities()
    content = decision_record(SCORER, engines=(replace(classifier, version="0"), average))
    with pytest.raises(ComputationFailed) as caught:
        DirectRunner(OPTIMIZERS).run(content)
    assert caught.value.because.reason == SCORING_ENGINE_CHANGED
    assert "version 0 of scoring engine dummy_scorer" in str(caught.value)


def test_an_engine_that_is_not_installed_any_more_is_named() -> None:
    without = replace(OPTIMIZERS, engines={})
    content = decision_record(SCORER, engines=identities())
    with pytest.raises(ComputationFailed) as caught:
        DirectRunner(without).run(content)
    assert caught.value.because.reason == SCORING_ENGINE_MISSING
    with pytest.raises(NotFound, match="dummy_scorer"):
        solve_offline(without, {}, SCORER.name)


def test_the_plan_of_the_resize_strategy_on_its_test_cloud() -> None:
    hosts = [replace(host(number), name=f"compute{number}") for number in (2, 3)]
    servers = [
        replace(server(number, None), id=identity, host="compute2")
        for number, identity in enumerate((MIGRATED, RESIZED))
    ]
    solution = RESIZE.solve(strategy_context(RESIZE, model(hosts, servers)))
    ends = {
        "migration_type": "live",
        "source_node": "compute2",
        "destination_node": "compute3",
    }
    assert proposed(solution) == [
        ("nop", "", {"message": "hello World"}),
        ("nop", "", {"message": "Welcome"}),
        ("sleep", "", {"duration": 5.0}),
        ("migrate", MIGRATED, ends),
        ("migrate", RESIZED, ends),
        ("resize", RESIZED, {"flavor": "x2"}),
    ]


def test_elsewhere_the_resize_strategy_proposes_what_is_possible() -> None:
    """The original proposes migrations of servers that do not exist. The verifier refuses them."""
    solution = RESIZE.solve(strategy_context(RESIZE, model([host(0)], [server(0, 0)])))
    assert [one.type for one in solution.actions] == ["nop", "nop", "sleep"]
