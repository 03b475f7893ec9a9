"""``vigil plugins list``, and commands that use a plug-in which does not work."""

import json
from pathlib import Path
from typing import Any

import pytest

from infrastructure.plugins import GROUPS
from interfaces.cli.main import main
from tests.world.plugins import distribution

SAMPLES = "tests.unit.plugins.samples"


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs a distribution with a goal that works, and a strategy and an action that do not."""
    entry_points = {
        "vigil.goals": {"acme.cool": f"{SAMPLES}:goal"},
        "vigil.strategies": {"acme.cooling": f"{SAMPLES}:Cooling"},
        "vigil.actions": {"acme.fan": "acme_that_is_not_there:FAN"},
    }
    monkeypatch.syspath_prepend(distribution(tmp_path, "acme-cooling", entry_points, "2.5"))


@pytest.mark.usefixtures("acme")
def test_the_list_shows_origin_and_problem_of_every_plug_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plugins", "list", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in rows} <= set(GROUPS)
    assert [row for row in rows if row["distribution"] == "acme-cooling"] == [
        {
            "kind": "goal",
            "name": "acme.cool",
            "distribution": "acme-cooling",
            "version": "2.5",
            "state": "loaded",
            "problem": None,
        },
        {
            "kind": "strategy",
            "name": "acme.cooling",
            "distribution": "acme-cooling",
            "version": "2.5",
            "state": "failed",
            "problem": "planner: must be an installed planner, which 'acme.calm' is not",
        },
        {
            "kind": "action",
            "name": "acme.fan",
            "distribution": "acme-cooling",
            "version": "2.5",
            "state": "failed",
            "problem": "import: ModuleNotFoundError: No module named 'acme_that_is_not_there'",
        },
    ]
    assert all(row["state"] == "loaded" for row in rows if row["distribution"] != "acme-cooling")


@pytest.mark.usefixtures("acme")
def test_the_table_has_a_row_per_plug_in_and_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plugins", "list"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    rows = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert rows[0] == "kind name origin state"
    assert "goal acme.cool acme-cooling 2.5 loaded" in rows
    assert "planner weight vigil-optimizer 0.1.0 loaded" in rows
    failed = "action acme.fan acme-cooling 2.5 failed: import: ModuleNotFoundError"
    assert any(row.startswith(failed) for row in rows)
    assert main(["plugins", "list", "--debug"]) == 0
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("acme")
def test_a_strategy_that_does_not_work_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["strategy", "run", "acme.cooling", "--cluster", "-"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("vigil: error: strategy acme.cooling does not work: planner: must be")
