"""Goals and strategies that are not installed any more: what referred to them shows null."""

from typing import Any

import pytest

from application.commands.catalogue import synchronise
from domain.catalogue import PluginKind
from tests.world.api import ApiWorld, installed
from tests.world.world import TEST

GOAL = {"goal_uuid": None, "goal_name": None}
STRATEGY = {"strategy_uuid": None, "strategy_name": None}
SHOWN = {"X-Show-Deleted": "True"}


@pytest.fixture
def left(api: ApiWorld) -> dict[str, Any]:
    """Collection → something that referred to a goal and a strategy before they went."""
    things = {
        "audits": api.audit(goal="server_consolidation", strategy="basic"),
        "audit_templates": api.template(goal="server_consolidation", strategy="basic"),
        "action_plans": api.plan(),
    }
    kept = [
        one
        for one in installed()
        if one.kind not in {PluginKind.GOAL, PluginKind.STRATEGY} or one.name == "dummy"
    ]
    api.settle(synchronise(api.commands, TEST, kept).position)
    return things


@pytest.mark.parametrize(
    ("collection", "operation", "null"),
    [
        ("audits", {"op": "add", "path": "/interval", "value": "60"}, GOAL | STRATEGY),
        (
            "audit_templates",
            {"op": "replace", "path": "/description", "value": "words"},
            GOAL | STRATEGY,
        ),
        ("action_plans", {"op": "replace", "path": "/state", "value": "PENDING"}, STRATEGY),
    ],
)
def test_a_change_is_answered_as_a_get_shows_it(
    api: ApiWorld,
    left: dict[str, Any],
    collection: str,
    operation: dict[str, str],
    null: dict[str, None],
) -> None:
    """A PATCH named the goal and the strategy that were gone; the GET after it did not."""
    path = f"/v1/{collection}/{left[collection]['uuid']}"
    changed = api.ask("PATCH", path, [operation])
    assert changed.status_code == 200, changed.text
    assert changed.json.items() >= null.items()
    assert changed.json == api.get(path)
    changed = api.ask("PATCH", path, [operation], headers=SHOWN).json
    if collection != "action_plans":
        assert changed == api.get(path, headers=SHOWN)
        assert changed["strategy_name"] == "basic"


def test_a_start_is_answered_as_a_get_shows_it(api: ApiWorld, left: dict[str, Any]) -> None:
    path = f"/v1/action_plans/{left['action_plans']['uuid']}"
    started = api.ask("POST", f"{path}/start", {})
    assert started.json.items() >= STRATEGY.items()
    assert started.json == api.get(path)


def test_what_is_deleted_by_a_patch_is_shown_once_more(api: ApiWorld, left: dict[str, Any]) -> None:
    path = f"/v1/audits/{left['audits']['uuid']}"
    for state in ("CANCELLED", "DELETED"):
        patch = [{"op": "replace", "path": "/state", "value": state}]
        changed = api.ask("PATCH", path, patch)
        assert (changed.status_code, changed.json["state"]) == (200, state)
    assert api.ask("GET", path).status_code == 404
