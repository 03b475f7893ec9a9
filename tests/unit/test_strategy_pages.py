"""Each page of docs/strategies/ tells the parameters and reasons of its strategy."""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from tests.world.plugins import STRATEGIES

FOLDER = Path(__file__).parents[2] / "docs" / "strategies"
PAGES = sorted(page.stem for page in FOLDER.glob("*.md"))


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
