"""PATCH and DELETE of audits."""

from typing import Any

import pytest

from tests.integration.rest.house import House, refused

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


def patch(house: House, uuid: str, *operations: Any, **kwargs: Any) -> Any:
    return house.ask("PATCH", f"/v1/audits/{uuid}", list(operations), **kwargs)


@pytest.mark.parametrize("operation", ["replace", "add"])
@pytest.mark.parametrize("new", STATES)
@pytest.mark.parametrize("old", ALLOWED)
def test_the_state_follows_its_table(lived_in: House, old: str, new: str, operation: str) -> None:
    uuid = lived_in.audit(audit_type="EVENT")["uuid"]
    lived_in.put_audit(uuid, old)
    result = patch(lived_in, uuid, op(operation, "/state", new))
    if new in ALLOWED[old]:
        assert result.status_code == 200, result.text
        assert result.json["state"] == new
        return
    assert f"State transition not allowed: ({old} -> {new})" in refused(result, 400)
    assert lived_in.get(f"/v1/audits/{uuid}")["state"] == old


def test_the_net_effect_of_several_operations_counts(house: House) -> None:
    uuid = house.audit(audit_type="EVENT")["uuid"]
    hop = [op("replace", "/state", "ONGOING"), op("replace", "/state", "SUCCEEDED")]
    refused(patch(house, uuid, *hop), 400)
    assert house.get(f"/v1/audits/{uuid}")["state"] == "PENDING"


@pytest.mark.parametrize("value", [None, "bogus", 5, ["PENDING"], {}])
def test_what_is_no_state_is_refused(lived_in: House, value: object) -> None:
    uuid = lived_in.audit(audit_type="EVENT")["uuid"]
    text = refused(patch(lived_in, uuid, op("replace", "/state", value)), 400)
    assert "State transition not allowed" in text


def test_setting_deleted_is_a_delete(house: House) -> None:
    audit = house.audit(audit_type="EVENT", name="again")
    house.put_audit(audit["uuid"], "CANCELLED")
    result = patch(house, audit["uuid"], op("replace", "/state", "DELETED"))
    assert (result.status_code, result.json["state"]) == (200, "DELETED")
    assert result.json["deleted_at"] is not None
    refused(house.ask("GET", f"/v1/audits/{audit['uuid']}"), 404)
    house.audit(name="again")


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED", "SUSPENDED"])
def test_an_audit_that_is_over_can_be_deleted(lived_in: House, state: str) -> None:
    uuid = lived_in.audit(audit_type="EVENT")["uuid"]
    lived_in.put_audit(uuid, state)
    result = lived_in.ask("DELETE", f"/v1/audits/{uuid}/")
    assert (result.status_code, result.content) == (204, b"")
    refused(lived_in.ask("GET", f"/v1/audits/{uuid}"), 404)
    refused(lived_in.ask("DELETE", f"/v1/audits/{uuid}"), 404)


@pytest.mark.parametrize("state", ["PENDING", "ONGOING"])
def test_an_audit_that_is_not_over_cannot(lived_in: House, state: str) -> None:
    uuid = lived_in.audit(audit_type="EVENT")["uuid"]
    lived_in.put_audit(uuid, state)
    text = refused(lived_in.ask("DELETE", f"/v1/audits/{uuid}"), 400)
    assert f"Couldn't delete when state is '{state}'" in text


def test_a_deleted_one_that_is_shown_cannot_be_deleted_again(house: House) -> None:
    uuid = house.audit(audit_type="EVENT")["uuid"]
    house.put_audit(uuid, "CANCELLED")
    house.ask("DELETE", f"/v1/audits/{uuid}")
    result = house.ask("DELETE", f"/v1/audits/{uuid}", headers={"X-Show-Deleted": "True"})
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
    lived_in: House, operation: dict[str, Any], key: str, shown: object, state: str
) -> None:
    uuid = lived_in.audit(strategy="dummy")["uuid"]
    lived_in.put_audit(uuid, state)
    result = patch(lived_in, uuid, operation)
    assert result.status_code == 200, result.text
    assert result.json[key] == shown
    assert lived_in.get(f"/v1/audits/{uuid}") == result.json


@pytest.mark.parametrize("operation", ["replace", "add"])
def test_a_name_can_be_changed(house: House, operation: str) -> None:
    uuid = house.audit(name="old")["uuid"]
    assert patch(house, uuid, op(operation, "/name", "a new ü")).json["name"] == "a new ü"
    assert house.get("/v1/audits/a%20new%20%C3%BC")["uuid"] == uuid
    house.audit(name="old")


def test_a_change_of_case_alone_is_a_change(house: House) -> None:
    uuid = house.audit(name="old")["uuid"]
    assert patch(house, uuid, op("replace", "/name", "OLD")).json["name"] == "OLD"


def test_a_name_that_another_one_has_is_a_conflict(house: House) -> None:
    house.audit(name="taken")
    uuid = house.audit(name="mine")["uuid"]
    refused(patch(house, uuid, op("replace", "/name", "TAKEN")), 409)
    assert house.get(f"/v1/audits/{uuid}")["name"] == "mine"


def test_a_patch_is_applied_as_a_whole_or_not_at_all(house: House) -> None:
    uuid = house.audit(name="mine")["uuid"]
    both = [op("replace", "/name", "new"), op("replace", "/state", "CANCELLED")]
    refused(patch(house, uuid, *both, op("replace", "/interval", "bogus")), 400)
    assert house.get(f"/v1/audits/{uuid}")["name"] == "mine"
    result = patch(house, uuid, *both)
    assert (result.json["name"], result.json["state"]) == ("new", "CANCELLED")
    assert result.json["status_message"] == "Cancelled by user."


def test_several_times_can_be_changed_at_once(house: House) -> None:
    uuid = house.audit()["uuid"]
    result = patch(
        house,
        uuid,
        op("replace", "/end_time", "2026-12-02T10:00:00Z"),
        op("replace", "/start_time", "2026-12-01T10:00:00Z"),
        version="1.0",
    )
    assert result.status_code == 200
    assert house.get(f"/v1/audits/{uuid}")["start_time"] == "2026-12-01T10:00:00"


def test_an_empty_patch_changes_nothing(house: House) -> None:
    audit = house.audit()
    end = house.log.end()
    assert patch(house, audit["uuid"]).json == audit
    assert house.log.end() == end


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
def test_what_cannot_be_changed_is_refused(lived_in: House, operation: object) -> None:
    uuid = lived_in.audit(audit_type="EVENT")["uuid"]
    before = lived_in.log.end()
    refused(patch(lived_in, uuid, operation), 400)
    assert lived_in.log.end() == before


@pytest.mark.parametrize("body", [{}, None, "x", 5, {"op": "replace"}])
def test_a_patch_is_a_list(lived_in: House, body: object) -> None:
    uuid = lived_in.audit()["uuid"]
    refused(lived_in.ask("PATCH", f"/v1/audits/{uuid}", body), 400)


def test_a_continuous_audit_keeps_its_interval(house: House) -> None:
    uuid = house.audit(audit_type="CONTINUOUS", interval="60")["uuid"]
    refused(patch(house, uuid, op("remove", "/interval")), 400)


def test_static_checks_come_before_the_lookup(lived_in: House) -> None:
    refused(patch(lived_in, "nosuch", op("replace", "/uuid", "x")), 400)
    refused(patch(lived_in, "nosuch", op("replace", "/state", "CANCELLED")), 404)


def test_updated_at_is_set_by_the_first_change(house: House) -> None:
    audit = house.audit(audit_type="EVENT")
    assert audit["updated_at"] is None
    changed = patch(house, audit["uuid"], op("replace", "/force", True)).json
    assert changed["updated_at"] > changed["created_at"]
