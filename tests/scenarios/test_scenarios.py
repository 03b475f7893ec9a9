"""Scenario folders: ``cluster.json`` (portable form), ``audit.json``, ``expected.json``.

The folder's name is the behaviour. Actions are written as short sentences; rejections and notes
as they read.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from application.simulation.offline import OfflineResult
from tests.world.plugins import solve_offline

ROOT = Path(__file__).parent
FOLDERS = sorted(path.parent for path in ROOT.glob("*/*/expected.json"))


def sentence(action: dict[str, Any]) -> str:
    parameters = action["input_parameters"]
    if action["action_type"] == "migrate":
        kind, name = parameters["migration_type"], parameters["resource_name"]
        return f"{kind} {name}: {parameters['source_node']} -> {parameters['destination_node']}"
    return f"{parameters['state']} {parameters['resource_name']}"


def outcome(result: OfflineResult) -> dict[str, object]:
    return {
        "actions": [sentence(action) for action in result.actions()],
        "because": [planned.action.because.reason for planned in result.planned],
        "indicators": dict(result.indicators),
        "efficacy": [round(float(str(figure.value)), 1) for figure in result.efficacy],
        "rejections": [str(rejection.because) for rejection in result.rejections],
        "notes": [str(note) for note in result.notes],
        "quarantined": [str(item.because) for item in result.quarantined],
    }


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_scenario(folder: Path) -> None:
    audit = load(folder / "audit.json")
    cluster = load(folder / "cluster.json")
    result = solve_offline(cluster, audit["strategy"], audit["parameters"])
    assert outcome(result) == load(folder / "expected.json")


def test_there_are_scenarios() -> None:
    assert len(FOLDERS) >= 10
