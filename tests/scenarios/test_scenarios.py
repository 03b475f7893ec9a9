"""Scenario folders of the product's strategies (``vigil.testing.Scenario``)."""

from pathlib import Path

import pytest

from tests.world.plugins import STRATEGIES
from vigil.testing import Scenario, scenarios, violations

SCENARIOS = scenarios(Path(__file__).parent)
DOCS = Path(__file__).parents[2] / "docs/strategies"
FEWEST = 6
PARTS = ("because", "rejections", "notes")
"""Of what a scenario expects: lists of reasons, of rejections with their subject."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: Scenario) -> None:
    assert scenario.outcome() == scenario.expected()
    assert violations(scenario.run()) == []


def test_each_installed_strategy_has_enough_scenarios() -> None:
    strategies = [scenario.folder.parent.name for scenario in SCENARIOS]
    assert [name for name in STRATEGIES if strategies.count(name) < FEWEST] == []


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_the_page_of_a_strategy_names_each_reason_of_its_scenarios(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text("utf-8")
    expected = [one.expected() for one in SCENARIOS if one.folder.parent.name == name]
    said = [code for one in expected for part in PARTS for code in one[part]]  # type: ignore[attr-defined]
    assert {code for text in said if f"`{(code := text.split(': ')[-1])}`" not in page} == set()
