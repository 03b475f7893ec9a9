"""Scenarios of the strategy, and the suites that Vigil has for all strategies and handlers."""

from pathlib import Path

import pytest
from acme_even_load.goal import EVEN_LOAD
from acme_even_load.handler import LockHandler
from acme_even_load.strategy import EvenLoad

from vigil.plugins import JsonObject
from vigil.testing import (
    HandlerConformance,
    Scenario,
    SimulatedCloud,
    StrategyConformance,
    generated_cluster,
    scenarios,
)

SCENARIOS = scenarios(Path(__file__).parent)


class TestStrategy(StrategyConformance):
    strategy = EvenLoad
    goal = EVEN_LOAD

    def test_the_spread_becomes_lower(self) -> None:
        indicators = self.solve(generated_cluster()).indicators
        assert indicators["servers_moved"] > 0
        assert indicators["spread_after"] < 0.6 * indicators["spread_before"]


class TestHandler(HandlerConformance):
    handler = LockHandler

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        unlocked = (one["id"] for one in cloud.servers() if not one["locked"])
        return {"resource_id": next(unlocked), "state": "locked"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario) -> None:
    assert scenario.outcome() == scenario.expected()
