"""Engines of different versions: an engine claims only the runs of strategies that it has."""

from typing import Any

import pytest

from application.commands.catalogue import definitions, synchronise
from application.decision_engine.engine import DecisionEngine, RunPolicy
from application.kernel.retry import RetryPolicy
from domain.audits import AuditState
from domain.audits.reasons import NO_STRATEGY_FOR_GOAL, STRATEGY_UNKNOWN
from domain.catalogue import Installation
from domain.kernel.reasons import Cause
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import NOTHING_TO_DO, NoParameters, Strategy
from tests.world.engine import EngineWorld
from tests.world.world import TEST

TWICE = RunPolicy(RetryPolicy(first_pause=0.0, attempts=3))


class Newer(Strategy[NoParameters]):
    """A strategy of a later version; no other here has its goal."""

    name, display_name, goal = "newer", "Newer", "saving_energy"

    def solve(self, context: StrategyContext[NoParameters]) -> Solution:
        return Solution((), notes=(Cause(NOTHING_TO_DO),))


def started(world: EngineWorld, name: str, *further: Strategy[Any]) -> DecisionEngine:
    """An engine that has recorded its plug-ins, some strategies among them."""
    common = {"dummy": world.strategies["dummy"]}
    world.strategies = {**common, **{one.name: one for one in further}}
    engine = world.engine(name, TWICE)
    found = definitions(world.optimizers, (), ())
    instance = f"engine/{name}"
    here = Installation.of(instance, name, found, {one.key: "1.0" for one in found})
    synchronise(world.commands, TEST, found, here, world.services)
    return engine


@pytest.mark.parametrize(
    "asked", [{"strategy": "newer"}, {"strategy": None, "goal": "saving_energy"}]
)
def test_an_older_engine_leaves_a_run_to_the_newer_one(
    world: EngineWorld, asked: dict[str, Any]
) -> None:
    """It claimed the run, and the run failed: its strategy was unknown."""
    old, new = started(world, "old"), started(world, "new", Newer())
    audit = world.request(**{"goal": "dummy", **asked})
    before = world.find_audit(audit).version
    for key in old.sweep():
        old.process(key)
    assert world.find_audit(audit).version == before
    for key in new.sweep():
        new.process(key)
    assert world.find_audit(audit).state is AuditState.SUCCEEDED


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"strategy": "newer"}, STRATEGY_UNKNOWN),
        ({"strategy": None, "goal": "saving_energy"}, NO_STRATEGY_FOR_GOAL),
    ],
)
def test_a_run_that_no_live_engine_can_execute_waits_says_why_and_fails_in_the_end(
    world: EngineWorld, asked: dict[str, Any], reason: str
) -> None:
    old = started(world, "old")
    started(world, "new", Newer())
    world.services.retire("engine/new")
    audit = world.request(**{"goal": "dummy", **asked})
    for _ in range(2):
        old.process(audit)
        found = world.find_audit(audit)
        assert found.because is not None
        assert (found.state, found.because.reason) == (AuditState.ONGOING, reason)
    old.process(audit)
    found = world.find_audit(audit)
    assert found.because is not None
    assert (found.state, found.because.reason) == (AuditState.FAILED, reason)
