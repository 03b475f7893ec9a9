"""Actions and their skipping."""

from typing import Any

import pytest

from tests.integration.rest.test_audit_changes import op
from tests.integration.rest.test_plans import STATES
from tests.world.api import ApiWorld, refused

UNKNOWN = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
SUMMARY = {"uuid", "action_plan_uuid", "state", "action_type", "parents", "links"}
DETAIL = SUMMARY | {
    *("description", "input_parameters", "status_message"),
    *("created_at", "updated_at", "deleted_at"),
}
NAMES = (
    *("PENDING", "ONGOING", "FAILED", "SUCCEEDED", "DELETED"),
    *("CANCELLED", "CANCELLING", "SKIPPED"),
)
SKIP = op("replace", "/state", "SKIPPED")


def say(reason: object) -> dict[str, Any]:
    return op("replace", "/status_message", reason)


def patch(api: ApiWorld, uuid: str, *operations: Any, version: str = "1.5") -> Any:
    return api.ask("PATCH", f"/v1/actions/{uuid}", list(operations), version=version)


def an_action(api: ApiWorld, state: str = "RECOMMENDED") -> Any:
    return api.actions(api.plan(state=state)["uuid"])[0]


def test_views_have_exactly_their_keys(api: ApiWorld) -> None:
    plan = api.plan()
    [first, second] = api.actions(plan["uuid"])
    assert set(first) == DETAIL
    assert api.get(f"/v1/actions/{first['uuid']}") == first
    assert (first["parents"], second["parents"]) == ([], [first["uuid"]])
    assert first["description"] == "Moves a server."
    assert first["input_parameters"] == {
        "source_node": "cmp-1",
        "destination_node": "cmp-2",
        "resource_id": "server-0",
    }
    summaries = api.get("/v1/actions")["actions"]
    assert summaries[0] == {key: first[key] for key in SUMMARY}
    assert "status_message" not in api.get(f"/v1/actions/{first['uuid']}", version="1.4")


def test_what_is_no_uuid_is_refused_and_an_unknown_one_not_found(used_api: ApiWorld) -> None:
    refused(used_api.ask("GET", "/v1/actions/bogus"), 400)
    refused(used_api.ask("GET", f"/v1/actions/{UNKNOWN}"), 404)
    refused(patch(used_api, "bogus", SKIP), 400)
    refused(patch(used_api, UNKNOWN, SKIP), 404)


@pytest.mark.parametrize("plan", ["RECOMMENDED", "PENDING"])
def test_a_pending_action_of_a_plan_that_has_not_started_is_skipped(
    used_api: ApiWorld, plan: str
) -> None:
    action = an_action(used_api, plan)
    result = patch(used_api, action["uuid"], SKIP)
    assert result.status_code == 200
    assert set(result.json) == DETAIL
    assert result.json["state"] == "SKIPPED"
    assert result.json["status_message"] == "Action skipped by user."


@pytest.mark.parametrize("order", [1, -1])
def test_a_reason_is_told_in_any_order(used_api: ApiWorld, order: int) -> None:
    action = an_action(used_api)
    result = patch(used_api, action["uuid"], *[SKIP, say("maintenance ü")][::order])
    assert result.json["status_message"] == "Action skipped by user. Reason: maintenance ü"


def test_a_skipped_action_is_annotated_anew_without_piling_up(api: ApiWorld) -> None:
    action = an_action(api)["uuid"]
    patch(api, action, SKIP, say("one"))
    assert patch(api, action, say("two")).json["status_message"] == (
        "Action skipped by user. Reason: two"
    )
    assert patch(api, action, SKIP, say("three")).json["status_message"] == (
        "Action skipped by user. Reason: three"
    )
    stored = "Action skipped by user. Reason: three"
    assert patch(api, action, say(stored)).json["status_message"] == "Action skipped by user."
    assert patch(api, action, SKIP).json["status_message"] == "Action skipped by user."


def test_a_skipped_action_of_a_cancelled_plan_is_annotated(api: ApiWorld) -> None:
    plan = api.plan()["uuid"]
    action = api.actions(plan)[0]["uuid"]
    patch(api, action, SKIP)
    api.ask("PATCH", f"/v1/action_plans/{plan}", [op("replace", "/state", "CANCELLED")])
    assert patch(api, action, say("late")).json["status_message"] == (
        "Action skipped by user. Reason: late"
    )


def test_an_empty_patch_changes_nothing(api: ApiWorld) -> None:
    action = an_action(api)
    assert patch(api, action["uuid"]).json == action
    patch(api, action["uuid"], SKIP, say("why"))
    skipped = api.get(f"/v1/actions/{action['uuid']}")
    assert patch(api, action["uuid"]).json == skipped


@pytest.mark.parametrize("plan", [one for one in STATES if one not in {"RECOMMENDED", "PENDING"}])
def test_nothing_is_skipped_once_its_plan_has_started(used_api: ApiWorld, plan: str) -> None:
    action = an_action(used_api, plan)
    text = refused(patch(used_api, action["uuid"], SKIP), 409)
    assert "State transition not allowed" in text


@pytest.mark.parametrize("new", [*NAMES, None])
def test_skipping_is_the_only_transition(used_api: ApiWorld, new: str | None) -> None:
    action = an_action(used_api)
    result = patch(used_api, action["uuid"], op("replace", "/state", new))
    if new in {"SKIPPED", "PENDING"}:
        assert (result.status_code, result.json["state"]) == (200, new)
    else:
        refused(result, 409)


def test_a_skipped_action_stays_skipped(used_api: ApiWorld) -> None:
    action = an_action(used_api)["uuid"]
    patch(used_api, action, SKIP)
    refused(patch(used_api, action, op("replace", "/state", "PENDING")), 409)


@pytest.mark.parametrize("operations", [[say("x")], [op("replace", "/state", "PENDING"), say("x")]])
def test_an_action_that_is_not_skipped_has_nothing_to_say(
    used_api: ApiWorld, operations: list[Any]
) -> None:
    action = an_action(used_api)
    refused(patch(used_api, action["uuid"], *operations), 409)


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "/state"),
        op("remove", "/status_message"),
        op("replace", "/state", "bogus"),
        op("replace", "/state", 5),
        op("replace", "/state/x", "SKIPPED"),
        say(5),
        say("x" * 224),
        op("replace", "/uuid", UNKNOWN),
        op("replace", "/action_type", "nop"),
        op("add", "/nosuch", 1),
        op("replace", "/input_parameters", {}),
        5,
    ],
)
@pytest.mark.parametrize("version", ["1.4", "1.5"])
def test_what_cannot_be_changed_is_refused(
    used_api: ApiWorld, operation: object, version: str
) -> None:
    refused(patch(used_api, an_action(used_api)["uuid"], operation, version=version), 400)


def test_before_1_5_an_action_cannot_be_changed(used_api: ApiWorld) -> None:
    assert "1.5" in refused(patch(used_api, UNKNOWN, SKIP, version="1.4"), 400)


def test_the_longest_reason_fits(used_api: ApiWorld) -> None:
    result = patch(used_api, an_action(used_api)["uuid"], SKIP, say("x" * 223))
    assert len(result.json["status_message"]) == 255
