"""`vigil goal list`: goals with their strategies."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from application.commands.catalogue import synchronise
from domain.catalogue import PluginDefinition, PluginKind
from domain.kernel.aggregate import JsonObject
from infrastructure.settings import load
from interfaces.bootstrap.database import opened
from interfaces.cli.main import main
from tests.world.values import installation, plugins
from tests.world.world import TEST

STRATEGIES: dict[str, tuple[str, JsonObject]] = {
    "basic": ("consolidation", {}),
    "extra": ("consolidation", {}),
}


def install(data: Path, found: Iterable[PluginDefinition], start: int) -> None:
    """A decision engine starts with some plug-ins; the read models follow."""
    definitions = list(found)
    with opened(load(flags={"vigil.data_dir": str(data)}).settings) as database:
        here = installation(definitions, start=start)
        synchronise(database.commands, TEST, definitions, here, database.services)
        database.projector().rebuild("all")


def test_goals_without_a_strategy_and_what_was_removed_are_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    main(["db", "upgrade", *data])
    before = plugins(("consolidation", "lonely"), STRATEGIES)
    install(tmp_path, before, 1)
    install(tmp_path, [one for one in before if one.name != "extra"], 2)
    capsys.readouterr()

    assert main(["goal", "list", *data]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "goal          strategies",
        "consolidation basic, extra (removed)",
        "lonely        (no strategy: audits are refused)",
    ]
    install(tmp_path, [one for one in before if one.kind is not PluginKind.GOAL], 3)
    assert main(["goal", "list", "--json", *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["goals"][1] == {
        "name": "lonely",
        "display_name": "Lonely",
        "removed": True,
        "strategies": [],
        "removed_strategies": [],
    }
    assert found["templates_of_removed"] == {}
