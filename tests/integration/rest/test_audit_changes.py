"""PATCH and DELETE of audits."""

from typing import Any

import pytest

from tests.world.api import ApiWorld, refused

STATES = (
    "PENDING",
    "ONGOING",
    "SUCCEEDED",
    "FAILED",
    "CANCELLED",
    "SUSPENDED",
    "DELETED",
)
ALLOWED = {
    "PENDING": {"ONGOING", "CANCELLED"},
    "ONGOING": {"SUCCEEDED", "FAILED", "CANCELLED", "SUSPENDED"},
    "SUCCEEDED": {"DELETED"},
    "FAILED": {"DELETED"},
    "CANCELLED": {"DELETED"},
    "SUSPENDED": {"ONGOING", "DELETED"},
}


def op(operation: str, path: str, value: Any = ...) -> dict[str, Any]:
    found = {"op": operation, "path": path}
    return found if value is ... else {**found, "value": value}


def patch(api: ApiWorld, uuid: str, *operations: Any, **kwargs: Any) -> Any:
    return api.ask("PATCH", f"/v1/audits/{uuid}", list(operations), **kwargs)


@pytest.mark.parametrize("operation", ["replace", "add"])
@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("old", ALLOWED)
def test_the_state_follows_its_table(
    used_api: ApiWorld, old: str, new: str, operation: str
) -> None:
    uuid = used_api.audit(audit_type="EVENT")["uuid"]
    used_api.put_audit(uuid, old)
    result = patch(used_api, uuid, op(operation, "/state", new))
    if new in ALLOWED[old]:
        assert result.status_code == 200, result.text
        assert result.json["state"] == new
        return
    assert f"State transition not allowed: ({old} -> {new})" in refused(result, 400)
    assert used_api.get(f"/v1/audits/{uuid}")["state"] == old


def test_the_net_effect_of_several_operations_counts(api: ApiWorld) -> None:
    uuid = api.audit(audit_type="EVENT")["uuid"]
    hop = [op("replace", "/state", "ONGOING"), op("replace", "/state", "SUCCEEDED")]
    refused(patch(api, uuid, *hop), 400)
    assert api.get(f"/v1/audits/{uuid}")["state"] == "PENDING"


@pytest.mark.parametrize("value", [None, "bogus", 5, ["PENDING"], {}])
def test_what_is_no_state_is_refused(used_api: ApiWorld, value: object) -> None:
    uuid = used_api.audit(audit_type="EVENT")["uuid"]
    text = refused(patch(used_api, uuid, op("replace", "/state", value)), 400)
    assert "State transition not allowed" in text


def test_setting_deleted_is_a_delete(api: ApiWorld) -> None:
    audit = api.audit(audit_type="EVENT", name="again")
    api.put_audit(audit["uuid"], "CANCELLED")
    result = patch(api, audit["uuid"], op("replace", "/state", "DELETED"))
    assert (result.status_code, result.json["state"]) == (200, "DELETED")
    assert result.json["deleted_at"] is not None
    refused(api.ask("GET", f"/v1/audits/{audit['uuid']}"), 404)
    api.audit(name="again")


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED", "SUSPENDED"])
def test_an_audit_that_is_over_can_be_deleted(used_api: ApiWorld, state: str) -> None:
    uuid = used_api.audit(audit_type="EVENT")["uuid"]
    used_api.put_audit(uuid, state)
    result = used_api.ask("DELETE", f"/v1/audits/{uuid}/")
    assert (result.status_code, result.content) == (204, b"")
    refused(used_api.ask("GET", f"/v1/audits/{uuid}"), 404)
    refused(used_api.ask("DELETE", f"/v1/audits/{uuid}"), 404)


@pytest.mark.parametrize("state", ["PENDING", "ONGOING"])
def test_an_audit_that_is_not_over_cannot(used_api: ApiWorld, state: str) -> None:
    uuid = used_api.audit(audit_type="EVENT")["uuid"]
    used_api.put_audit(uuid, state)
    text = refused(used_api.ask("DELETE", f"/v1/audits/{uuid}"), 400)
    assert f"Couldn't delete when state is '{state}'" in text


def test_a_deleted_one_that_is_shown_cannot_be_deleted_again(api: ApiWorld) -> None:
    uuid = api.audit(audit_type="EVENT")["uuid"]
    api.put_audit(uuid, "CANCELLED")
    api.ask("DELETE", f"/v1/audits/{uuid}")
    result = api.ask("DELETE", f"/v1/audits/{uuid}", headers={"X-Show-Deleted": "True"})
    assert "Couldn't delete when state is 'DELETED'" in refused(result, 400)


@pytest.mark.parametrize(
    ("operation", "key", "shown"),
    [
        (op("add", "/interval", "2"), "interval", "2"),
        (op("replace", "/interval", "@hourly"), "interval", "@hourly"),
        (op("remove", "/interval"), "interval", None),
        (op("replace", "/start_time", "2026-12-01T10:00:00Z"), "start_time", "2026-12-01T10:00:00"),
        (op("replace", "/end_time", "2026-12-01T10:00:00Z"), "end_time", "2026-12-01T10:00:00"),
        (op("remove", "/end_time"), "end_time", None),
        (op("replace", "/auto_trigger", True), "auto_trigger", True),
        (op("add", "/force", True), "force", True),
        (op("remove", "/force"), "force", False),
        (op("replace", "/parameters", {"a": 1}), "parameters", {"a": 1}),
        (op("add", "/parameters/y", 1), "parameters", {"para1": 3.2, "para2": "hello", "y": 1}),
        (op("remove", "/parameters/para1"), "parameters", {"para2": "hello"}),
        (op("remove", "/parameters"), "parameters", {}),
        (op("replace", "/scope", [{"any": 1}]), "scope", [{"any": 1}]),
        (op("remove", "/scope"), "scope", []),
    ],
)
@pytest.mark.parametrize("state", ["PENDING", "SUCCEEDED"])
def test_attributes_of_any_audit_in_any_state_can_be_changed(
    used_api: ApiWorld, operation: dict[str, Any], key: str, shown: object, state: str
) -> None:
    uuid = used_api.audit(strategy="dummy")["uuid"]
    used_api.put_audit(uuid, state)
    result = patch(used_api, uuid, operation)
    assert result.status_code == 200, result.text
    assert result.json[key] == shown
    assert used_api.get(f"/v1/audits/{uuid}") == result.json


@pytest.mark.parametrize("operation", ["replace", "add"])
def test_a_name_can_be_changed(api: ApiWorld, operation: str) -> None:
    uuid = api.audit(name="old")["uuid"]
    assert patch(api, uuid, op(operation, "/name", "a new ü")).json["name"] == "a new ü"
    assert api.get("/v1/audits/a%20new%20%C3%BC")["uuid"] == uuid
    api.audit(name="old")


def test_a_change_of_case_alone_is_a_change(api: ApiWorld) -> None:
    uuid = api.audit(name="old")["uuid"]
    assert patch(api, uuid, op("replace", "/name", "OLD")).json["name"] == "OLD"


def test_a_name_that_another_one_has_is_a_conflict(api: ApiWorld) -> None:
    api.audit(name="taken")
    uuid = api.audit(name="mine")["uuid"]
    refused(patch(api, uuid, op("replace", "/name", "TAKEN")), 409)
    assert api.get(f"/v1/audits/{uuid}")["name"] == "mine"


def test_a_patch_is_applied_as_a_whole_or_not_at_all(api: ApiWorld) -> None:
    uuid = api.audit(name="mine")["uuid"]
    both = [op("replace", "/name", "new"), op("replace", "/state", "CANCELLED")]
    refused(patch(api, uuid, *both, op("replace", "/interval", "bogus")), 400)
    assert api.get(f"/v1/audits/{uuid}")["name"] == "mine"
    result = patch(api, uuid, *both)
    assert (result.json["name"], result.json["state"]) == ("new", "CANCELLED")
    assert result.json["status_message"] == "Cancelled by user."


def test_several_times_can_be_changed_at_once(api: ApiWorld) -> None:
    uuid = api.audit()["uuid"]
    result = patch(
        api,
        uuid,
        op("replace", "/end_time", "2026-12-02T10:00:00Z"),
        op("replace", "/start_time", "2026-12-01T10:00:00Z"),
        version="1.0",
    )
    assert result.status_code == 200
    assert api.get(f"/v1/audits/{uuid}")["start_time"] == "2026-12-01T10:00:00"


def test_an_empty_patch_changes_nothing(api: ApiWorld) -> None:
    audit = api.audit()
    end = api.log.end()
    assert patch(api, audit["uuid"]).json == audit
    assert api.log.end() == end


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "/uuid", "x"),
        op("replace", "/id", 1),
        op("replace", "/created_at", "x"),
        op("replace", "/deleted_at", "x"),
        op("replace", "/links/0", "x"),
        op("replace", "/status_message", "x"),
        op("replace", "/audit_type", "CONTINUOUS"),
        op("replace", "/goal_uuid", "x"),
        op("replace", "/goal_name", "x"),
        op("replace", "/goal", "dummy"),
        op("replace", "/strategy", "dummy"),
        op("replace", "/strategy_uuid", "x"),
        op("replace", "/strategy_id", 1),
        op("replace", "/goal_id", 1),
        op("replace", "/next_run_time", "2026-12-01"),
        op("replace", "/hostname", "x"),
        op("add", "/audit_template_uuid", "x"),
        op("add", "/type", "x"),
        op("add", "/nosuch", "x"),
        op("remove", "/nosuch"),
        op("remove", "/state"),
        op("remove", "/name"),
        op("replace", "/name", 5),
        op("replace", "/name", None),
        op("replace", "/name", ""),
        op("replace", "/name", "x" * 64),
        op("replace", "/interval", 5),
        op("replace", "/interval", "bogus"),
        op("add", "/end_time", "2026-12-01T10:00:00"),
        op("replace", "/end_time", None),
        op("replace", "/end_time", "soon"),
        op("replace", "/end_time", 5),
        op("replace", "/auto_trigger", "true"),
        op("replace", "/auto_trigger", None),
        op("replace", "/force", 1),
        op("replace", "/parameters", []),
        op("replace", "/parameters", "x"),
        op("replace", "/scope", {}),
        op("replace", "/parameters/none/x", 1),
        op("replace", "/force"),
        op("add", "/force"),
        op("test", "/force", True),
        op("move", "/force", True),
        op("replace", "force", True),
        op("replace", "/", True),
        {"op": "replace", "path": "/force", "value": True, "from": "/x"},
        {"path": "/force", "value": True},
        {"op": "replace", "value": True},
        {"op": "replace", "path": 5, "value": True},
        5,
        None,
        [],
    ],
)
def test_what_cannot_be_changed_is_refused(used_api: ApiWorld, operation: object) -> None:
    uuid = used_api.audit(audit_type="EVENT")["uuid"]
    before = used_api.log.end()
    refused(patch(used_api, uuid, operation), 400)
    assert used_api.log.end() == before


@pytest.mark.parametrize("body", [{}, None, "x", 5, {"op": "replace"}])
def test_a_patch_is_a_list(used_api: ApiWorld, body: object) -> None:
    uuid = used_api.audit()["uuid"]
    refused(used_api.ask("PATCH", f"/v1/audits/{uuid}", body), 400)


def test_a_continuous_audit_keeps_its_interval(api: ApiWorld) -> None:
    uuid = api.audit(audit_type="CONTINUOUS", interval="60")["uuid"]
    refused(patch(api, uuid, op("remove", "/interval")), 400)


def test_static_checks_come_before_the_lookup(used_api: ApiWorld) -> None:
    refused(patch(used_api, "nosuch", op("replace", "/uuid", "x")), 400)
    refused(patch(used_api, "nosuch", op("replace", "/state", "CANCELLED")), 404)


def test_updated_at_is_set_by_the_first_change(api: ApiWorld) -> None:
    audit = api.audit(audit_type="EVENT")
    assert audit["updated_at"] is None
    changed = patch(api, audit["uuid"], op("replace", "/force", True)).json
    assert changed["updated_at"] > changed["created_at"]
