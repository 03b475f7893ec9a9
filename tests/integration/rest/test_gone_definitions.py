"""Goals and strategies that are not installed any more: what referred to them shows null."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from application.commands.catalogue import synchronise
from application.ports.services import Instance
from domain.catalogue import PluginDefinition, PluginKind
from infrastructure.read_models.schema import INSTANCES
from tests.world.api import ApiWorld, installed, refused
from tests.world.values import installation
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
    api.settle(api.install(kept).position)
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


@pytest.mark.parametrize("named", ["goal", "strategy"])
def test_an_audit_from_a_template_says_which_removed_definition_it_names(
    api: ApiWorld, named: str
) -> None:
    """The answer was that no such strategy exists, without a word of the template."""
    template = api.template(name="nightly", goal="server_consolidation", strategy="basic")
    gone = {"basic"} if named == "strategy" else {"basic", "server_consolidation"}
    api.settle(api.install(one for one in installed() if one.name not in gone).position)
    asked = {"audit_type": "ONESHOT", "audit_template_uuid": template["uuid"]}
    text = refused(api.ask("POST", "/v1/audits", asked), 400)
    name = "basic" if named == "strategy" else "server_consolidation"
    assert "audit_template_uuid" in text
    assert f"template nightly names {named} {name}, which is not installed any more" in text


class TestGoalsWithoutAStrategy:
    """Audits for them were accepted and failed when they ran."""

    @pytest.fixture
    def lonely(self, api: ApiWorld) -> ApiWorld:
        goal = PluginDefinition(PluginKind.GOAL, "lonely", "Lonely", {})
        api.settle(api.install([*installed(), goal]).position)
        return api

    def test_no_audit_is_created_for_one(self, lonely: ApiWorld) -> None:
        asked = {"audit_type": "ONESHOT", "goal": "lonely"}
        text = refused(lonely.ask("POST", "/v1/audits", asked), 400)
        assert "goal: lonely has no strategy: install a plug-in with one" in text
        assert lonely.get("/v1/audits")["audits"] == []

    def test_no_template_is_created_for_one(self, lonely: ApiWorld) -> None:
        asked = {"name": "nightly", "goal": "lonely"}
        text = refused(lonely.ask("POST", "/v1/audit_templates", asked), 400)
        assert "goal: lonely has no strategy" in text

    def test_no_template_is_changed_to_one(self, lonely: ApiWorld) -> None:
        path = f"/v1/audit_templates/{lonely.template()['uuid']}"
        change = [{"op": "replace", "path": "/goal", "value": "lonely"}]
        assert "lonely has no strategy" in refused(lonely.ask("PATCH", path, change), 400)
        assert lonely.get(path)["goal_name"] == "dummy"

    def test_it_is_listed_like_any_goal(self, lonely: ApiWorld) -> None:
        """Clients know these keys only; ``vigil goal list`` marks it."""
        (shown,) = (one for one in lonely.get("/v1/goals")["goals"] if one["name"] == "lonely")
        (other,) = (one for one in lonely.get("/v1/goals")["goals"] if one["name"] == "dummy")
        assert shown.keys() == other.keys()


class TestTwoVersions:
    """Decision engines of two versions on one database, told apart by their heartbeats."""

    def start(self, api: ApiWorld, host: str, version: str, *, without: str = "") -> None:
        found = [one for one in installed() if one.name != without]
        here = installation(found, host=host, version=version, start=api.log.end())
        name = "watcher-decision-engine"
        api.services.beat(Instance(here.instance, name, host, 1, "x", ""))
        done = synchronise(api.commands, TEST, found, here, api.services)
        api.settle(done.position)

    def test_a_strategy_of_the_newer_one_stays_while_the_older_one_starts_again(
        self, api: ApiWorld
    ) -> None:
        """Each start of the older one removed it, and finished audits showed no strategy."""
        self.start(api, "ctl-2", "2.0")
        audit = api.audit(goal="server_consolidation", strategy="basic")
        api.put_audit(audit["uuid"], "SUCCEEDED")
        before = api.get("/v1/strategies/basic")
        for _ in range(2):
            self.start(api, "ctl-3", "1.0", without="basic")
            self.start(api, "ctl-2", "2.0")
            assert api.get("/v1/strategies/basic") == before
        shown = api.get(f"/v1/audits/{audit['uuid']}")
        assert (shown["state"], shown["strategy_name"]) == ("SUCCEEDED", "basic")

    def test_it_is_removed_when_the_newer_one_has_been_down_for_a_day(self, api: ApiWorld) -> None:
        self.start(api, "ctl-2", "2.0")
        with api.views_engine.begin() as connection:
            old = datetime(2026, 1, 1, tzinfo=UTC)
            rows = INSTANCES.c.host == "ctl-2"
            connection.execute(update(INSTANCES).where(rows).values(last_seen_up=old))
        self.start(api, "ctl-1", "1.0", without="basic")
        assert api.ask("GET", "/v1/strategies/basic").status_code == 404
