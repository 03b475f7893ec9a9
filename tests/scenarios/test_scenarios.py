"""Scenario folders of the product's strategies (``vigil.testing.Scenario``)."""

from pathlib import Path

import pytest

from tests.world.plugins import STRATEGIES
from vigil.testing import Scenario, scenarios, violations

SCENARIOS = scenarios(Path(__file__).parent)
FEWEST = 6


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario) -> None:
    assert scenario.outcome() == scenario.expected()
    assert violations(scenario.run()) == []


def test_each_installed_strategy_has_enough_scenarios() -> None:
    strategies = [scenario.folder.parent.name for scenario in SCENARIOS]
    assert [name for name in STRATEGIES if strategies.count(name) < FEWEST] == []
