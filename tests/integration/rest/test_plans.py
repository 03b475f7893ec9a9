"""Action plans."""

import logging
from typing import Any

import pytest

from tests.integration.rest.test_audit_changes import op
from tests.world.api import ApiWorld, refused

UNKNOWN = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
SUMMARY = {
    *("uuid", "audit_uuid", "strategy_uuid", "strategy_name", "state", "efficacy_indicators"),
    *("global_efficacy", "updated_at", "links"),
}
DETAIL = SUMMARY | {"hostname", "status_message", "created_at", "deleted_at"}
STATES = (
    *("RECOMMENDED", "PENDING", "ONGOING", "CANCELLING"),
    *("SUCCEEDED", "FAILED", "CANCELLED", "SUPERSEDED"),
)
ALLOWED = {
    ("RECOMMENDED", "PENDING"),
    ("RECOMMENDED", "CANCELLED"),
    ("PENDING", "CANCELLED"),
    ("ONGOING", "CANCELLING"),
}


def patch(api: ApiWorld, uuid: str, *operations: Any, **kwargs: Any) -> Any:
    return api.ask("PATCH", f"/v1/action_plans/{uuid}", list(operations), **kwargs)


def test_views_have_exactly_their_keys(api: ApiWorld) -> None:
    plan = api.plan()
    assert set(plan) == DETAIL
    assert plan["efficacy_indicators"] == [
        {
            "name": "released_compute_nodes_count",
            "description": "Freed.",
            "unit": None,
            "value": 1.0,
        }
    ]
    assert plan["global_efficacy"] == [
        {"name": "released_nodes_ratio", "description": "Share.", "unit": "%", "value": 33.25}
    ]
    assert api.get("/v1/action_plans/detail") == {"action_plans": [plan]}
    [summary] = api.get("/v1/action_plans")["action_plans"]
    assert summary == {key: plan[key] for key in SUMMARY}
    assert set(api.get(f"/v1/action_plans/{plan['uuid']}", version="1.4")) == DETAIL - {
        "status_message"
    }


@pytest.mark.parametrize("spelled", [str.upper, lambda text: text.replace("-", "")])
def test_a_uuid_may_be_spelled_otherwise(api: ApiWorld, spelled: Any) -> None:
    plan = api.plan()
    assert api.get(f"/v1/action_plans/{spelled(plan['uuid'])}") == plan


@pytest.mark.parametrize("suffix", ["", "/start", "/events"])
def test_what_is_no_uuid_is_refused_and_an_unknown_one_not_found(
    used_api: ApiWorld, suffix: str
) -> None:
    method = "POST" if suffix == "/start" else "GET"
    refused(used_api.ask(method, f"/v1/action_plans/bogus{suffix}"), 400)
    refused(used_api.ask(method, f"/v1/action_plans/{UNKNOWN}{suffix}"), 404)


@pytest.mark.parametrize("operation", ["replace", "add"])
@pytest.mark.parametrize("new", [*STATES, "DELETED", "bogus", None, 5])
@pytest.mark.parametrize("old", STATES)
def test_the_state_follows_its_table(
    used_api: ApiWorld, old: str, new: object, operation: str
) -> None:
    uuid = used_api.plan(state=old)["uuid"]
    result = patch(used_api, uuid, op(operation, "/state", new))
    if (old, new) in ALLOWED:
        assert result.status_code == 200, result.text
        assert result.json["state"] == new
        return
    assert "State transition not allowed" in refused(result, 400)
    assert used_api.get(f"/v1/action_plans/{uuid}")["state"] == old


@pytest.mark.parametrize(
    "operations", [[], [op("remove", "/state")], [op("replace", "/state", "RECOMMENDED")]]
)
def test_a_patch_must_change_the_state(used_api: ApiWorld, operations: list[Any]) -> None:
    uuid = used_api.plan()["uuid"]
    text = refused(patch(used_api, uuid, *operations), 400)
    assert "State transition not allowed" in text


@pytest.mark.parametrize(
    "path",
    [
        *("/uuid", "/status_message", "/audit_uuid", "/efficacy_indicators", "/nosuch"),
        *("/hostname", "/global_efficacy", "/created_at", "/links"),
    ],
)
def test_nothing_else_can_be_changed(used_api: ApiWorld, path: str) -> None:
    uuid = used_api.plan()["uuid"]
    both = [op("replace", "/state", "PENDING"), op("replace", path, "x")]
    refused(patch(used_api, uuid, *both), 400)
    assert used_api.get(f"/v1/action_plans/{uuid}")["state"] == "RECOMMENDED"


@pytest.mark.parametrize("state", ["RECOMMENDED", "PENDING"])
def test_cancelling_a_plan_that_has_not_started_cancels_its_actions(
    used_api: ApiWorld, state: str
) -> None:
    uuid = used_api.plan(state=state, actions=3)["uuid"]
    assert patch(used_api, uuid, op("replace", "/state", "CANCELLED")).status_code == 200
    assert {one["state"] for one in used_api.actions(uuid)} == {"CANCELLED"}


def test_the_log_of_the_api_says_that_a_user_ended_a_plan(
    api: ApiWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the applier's plans had a line, and only for their claim."""
    uuid = api.plan()["uuid"]
    with caplog.at_level(logging.INFO, "application"):
        patch(api, uuid, op("replace", "/state", "CANCELLED"))
    assert [line for line in caplog.messages if line.startswith("plan ")] == [
        f"plan {uuid} cancelled: Cancelled by user."
    ]


def test_cancelling_a_running_plan_leaves_its_actions_to_the_applier(used_api: ApiWorld) -> None:
    uuid = used_api.plan(state="ONGOING")["uuid"]
    assert patch(used_api, uuid, op("replace", "/state", "CANCELLING")).status_code == 200
    assert {one["state"] for one in used_api.actions(uuid)} == {"PENDING"}


@pytest.mark.parametrize("state", STATES)
def test_what_is_not_running_or_waiting_can_be_deleted(used_api: ApiWorld, state: str) -> None:
    uuid = used_api.plan(state=state)["uuid"]
    result = used_api.ask("DELETE", f"/v1/action_plans/{uuid}")
    if state in {"PENDING", "ONGOING", "CANCELLING"}:
        assert f"Couldn't delete when state is '{state}'" in refused(result, 400)
        return
    assert (result.status_code, result.content) == (204, b"")
    refused(used_api.ask("GET", f"/v1/action_plans/{uuid}"), 404)


def test_deleting_a_plan_takes_its_actions_along(api: ApiWorld) -> None:
    plan = api.plan()
    action = api.actions(plan["uuid"])[0]
    api.ask("DELETE", f"/v1/action_plans/{plan['uuid']}")
    refused(api.ask("GET", f"/v1/actions/{action['uuid']}"), 404)
    assert api.get("/v1/actions") == {"actions": []}
    shown = {"X-Show-Deleted": "True"}
    deleted = api.get(f"/v1/action_plans/{plan['uuid']}", headers=shown)
    assert deleted["state"] == "DELETED"
    assert deleted["deleted_at"] is not None
    assert api.get(f"/v1/actions/{action['uuid']}", headers=shown)["state"] == "DELETED"


class TestStart:
    @pytest.mark.parametrize("body", [b"", b"{}", b'{"any": 1}'])
    def test_a_recommended_plan_is_started(self, api: ApiWorld, body: bytes) -> None:
        uuid = api.plan()["uuid"]
        result = api.ask("POST", f"/v1/action_plans/{uuid}/start", raw=body)
        assert result.status_code == 200
        assert set(result.json) == DETAIL
        assert result.json["state"] == "PENDING"
        assert result.json["updated_at"] is not None

    @pytest.mark.parametrize("state", [one for one in STATES if one != "RECOMMENDED"])
    def test_any_other_is_not(self, used_api: ApiWorld, state: str) -> None:
        uuid = used_api.plan(state=state)["uuid"]
        result = used_api.ask("POST", f"/v1/action_plans/{uuid}/start", {})
        assert "State transition not allowed" in refused(result, 400)

    def test_there_is_nothing_to_get(self, used_api: ApiWorld) -> None:
        uuid = used_api.plan()["uuid"]
        refused(used_api.ask("GET", f"/v1/action_plans/{uuid}/start"), 404)


def test_a_plan_outlives_its_audit(api: ApiWorld) -> None:
    audit = api.audit(audit_type="EVENT")["uuid"]
    plan = api.plan(audit)["uuid"]
    assert api.get(f"/v1/action_plans/{plan}")["audit_uuid"] == audit
    api.put_audit(audit, "CANCELLED")
    api.ask("DELETE", f"/v1/audits/{audit}")
    assert api.get(f"/v1/action_plans/{plan}")["audit_uuid"] is None
    [listed] = api.get(f"/v1/action_plans?audit_uuid={audit}")["action_plans"]
    assert (listed["uuid"], listed["audit_uuid"]) == (plan, None)
    assert api.get(f"/v1/actions?audit_uuid={audit}")["actions"]
    shown = api.get(f"/v1/action_plans/{plan}", headers={"X-Show-Deleted": "1"})
    assert shown["audit_uuid"] == audit


def test_a_plan_that_changed_something_can_be_returned(api: ApiWorld) -> None:
    uuid = api.plan(state="SUCCEEDED")["uuid"]
    assert api.ask("GET", f"/v1/action_plans/{uuid}/return").status_code == 404
    result = api.ask("POST", f"/v1/action_plans/{uuid}/return", {})
    assert result.status_code == 202
    requested = result.json
    assert requested["state"] == "REQUESTED"
    assert requested["action_plan_uuid"] == uuid
    assert requested["links"][0]["href"].endswith(f"/v1/action_plans/{requested['uuid']}")
    assert api.ask("POST", f"/v1/action_plans/{uuid}/return", {}).json == requested
    assert api.get(f"/v1/action_plans/{uuid}/return", version="1.0") == requested


@pytest.mark.parametrize("state", ["RECOMMENDED", "PENDING", "ONGOING", "CANCELLING", "SUPERSEDED"])
def test_a_plan_that_has_not_ended_or_changed_nothing_cannot_be_returned(
    api: ApiWorld, state: str
) -> None:
    uuid = api.plan(state=state)["uuid"]
    assert refused(api.ask("POST", f"/v1/action_plans/{uuid}/return", {}), 400)
