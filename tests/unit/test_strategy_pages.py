"""Each page of docs/strategies/ tells the parameters and reasons of its strategy, and examples."""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from tests.world.plugins import STRATEGIES
from vigil.testing import Scenario

FOLDER = Path(__file__).parents[2] / "docs" / "strategies"
PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))
SCENARIOS = Path(__file__).parents[1] / "scenarios"
EXAMPLES = [
    SCENARIOS / name / scenario
    for name in PAGES
    for scenario in re.findall(r"[Ss]cenario `(\w+)`", (FOLDER / f"{name}.md").read_text())
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_tells_each_parameter_and_its_default(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    rules = dict(STRATEGIES[name].parameters_schema).get("properties", {})
    assert isinstance(rules, dict)
    rows = {row.split("|")[1].strip(): row for row in text.splitlines() if row.startswith("| `")}
    for key, rule in rules.items():
        row = rows[f"`{key}`"]
        default = rule.get("default")
        if isinstance(default, str | int | float):
            shown = default if isinstance(default, str) else json.dumps(default)
            assert f"| {shown} |" in row.replace("`", "")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_tells_each_reason_that_the_strategy_declares(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    module = importlib.import_module(type(STRATEGIES[name]).__module__)
    declared = re.findall(r"^([A-Z_]+) = Reason\(", inspect.getsource(module), re.MULTILINE)
    assert [one for one in declared if f"`{getattr(module, one)}`" not in text] == []


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_has_the_sentences_of_its_scenario(folder: Path) -> None:
    text = " ".join((FOLDER / f"{folder.parent.name}.md").read_text().split())
    found = Scenario(folder).run()
    assert found.planned
    assert [one for one in found.reasons() if one not in text] == []
