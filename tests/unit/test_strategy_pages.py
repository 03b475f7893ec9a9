"""Each page of docs/strategies/ tells the parameters and reasons of its strategy, and examples."""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from tests.scenarios import plots
from tests.world.plugins import STRATEGIES
from vigil.testing import Scenario

FOLDER = Path(__file__).parents[2] / "docs" / "strategies"
PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))
SECTIONS = ("What it does", "Parameters", "Metrics", "Reasons", "Example")
SCENARIOS = Path(__file__).parents[1] / "scenarios"
EXAMPLES = [
    SCENARIOS / name / scenario
    for name in PAGES
    for scenario in re.findall(r"[Ss]cenario `(\w+)`", (FOLDER / f"{name}.md").read_text())
]


def test_each_installed_strategy_has_a_page() -> None:
    assert sorted(STRATEGIES) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_all_sections_and_an_example_that_is_a_scenario(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [one for one in SECTIONS if one not in headings] == []
    assert re.search(r"[Ss]cenario `\w+`", text.partition("\n## Example\n")[2])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_a_plot_unless_the_plan_changes_no_host(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    assert (name in plots.FIGURES) == (name not in {"dummy", "dummy_with_scorer"})
    if name in plots.FIGURES:
        assert f"](plots/{name}.svg)" in text
        assert f"cenario `{plots.FIGURES[name].scenario}`" in text


@pytest.mark.parametrize("name", sorted(plots.FIGURES))
def test_a_plot_is_what_its_scenario_gives(name: str) -> None:
    committed = (plots.FOLDER / f"{name}.svg").read_text("utf-8")
    assert committed == plots.render(name), "run `make docs`"


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
