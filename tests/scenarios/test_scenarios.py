"""Scenario folders of the product's strategies (``vigil.testing.Scenario``)."""

from pathlib import Path

import pytest

from vigil.testing import Scenario, scenarios

SCENARIOS = scenarios(Path(__file__).parent)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario) -> None:
    assert scenario.outcome() == scenario.expected()


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 10
