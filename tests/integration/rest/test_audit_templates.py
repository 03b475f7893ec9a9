"""Audit templates."""

from typing import Any

import pytest

from tests.integration.rest.test_audit_changes import op
from tests.world.api import ApiWorld, refused

UNKNOWN = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
SUMMARY = {
    *("uuid", "name", "goal_uuid", "goal_name", "strategy_uuid", "strategy_name"),
    *("scope", "links"),
}
DETAIL = SUMMARY | {
    *("description", "default_parameters", "created_at", "updated_at", "deleted_at"),
}


def post(api: ApiWorld, body: object, **kwargs: Any) -> Any:
    return api.ask("POST", "/v1/audit_templates", body, **kwargs)


def patch(api: ApiWorld, uuid: str, *operations: Any, **kwargs: Any) -> Any:
    return api.ask("PATCH", f"/v1/audit_templates/{uuid}", list(operations), **kwargs)


def test_a_template_is_created_and_shown(api: ApiWorld) -> None:
    body = {
        "name": "nightly run",
        "goal": "dummy",
        "strategy": "dummy",
        "description": "every night",
        "scope": [{"compute": [{"availability_zones": [{"name": "az1"}]}]}],
        "default_parameters": {"para1": 4.4},
    }
    result = post(api, body)
    assert result.status_code == 201
    template = result.json
    assert set(template) == DETAIL
    assert result.headers["location"].endswith(f"/v1/audit_templates/{template['uuid']}")
    assert {key: template[key] for key in ("name", "description", "scope")} == {
        key: body[key] for key in ("name", "description", "scope")
    }
    assert template["default_parameters"] == {"para1": 4.4}  # as sent: no defaults filled in
    assert (template["goal_name"], template["strategy_name"]) == ("dummy", "dummy")
    for ident in (template["uuid"], "nightly%20run", "NIGHTLY%20RUN"):
        assert api.get(f"/v1/audit_templates/{ident}") == template
    assert api.get("/v1/audit_templates/detail") == {"audit_templates": [template]}
    [summary] = api.get("/v1/audit_templates")["audit_templates"]
    assert set(summary) == SUMMARY


def test_the_least_that_is_needed(api: ApiWorld) -> None:
    body = {"name": "t", "goal": "dummy", "strategy": None, "description": None, "scope": None}
    template = post(api, body, version="1.0").json
    assert set(template) == DETAIL - {"default_parameters"}
    assert (template["strategy_uuid"], template["strategy_name"]) == (None, None)
    assert (template["scope"], template["description"]) == ([], None)


def test_the_short_form_of_a_scope_is_wrapped(api: ApiWorld) -> None:
    short = [{"host_aggregates": [{"id": 1}]}]
    assert api.template(scope=short)["scope"] == [{"compute": short}]


def test_a_scope_of_storage_only_is_accepted(api: ApiWorld) -> None:
    scope = [{"storage": [{"volume_types": [{"name": "lvm"}]}]}]
    assert api.template(scope=scope)["scope"] == scope


def test_the_rules_of_a_scope_reach_its_audits(api: ApiWorld) -> None:
    rules = {"apart": [["a", "b"]], "bans": [{"servers": ["a"], "hosts": ["h1"]}]}
    scope = [{"compute": [{"availability_zones": [{"name": "z"}]}, {"rules": rules}]}]
    made = api.template(scope=scope)
    assert made["scope"] == scope
    assert api.audit(goal=None, audit_template_uuid=made["uuid"])["scope"] == scope


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"ban": []}, "scope[0].compute[0].rules.ban: must be one of"),
        (
            {"apart": [["a", "b"], ["a"]]},
            "scope[0].compute[0].rules.apart[1]: must list at least 2",
        ),
        (
            {"bans": [{"servers": ["a"]}]},
            "scope[0].compute[0].rules.bans[0].hosts: is missing",
        ),
        ([], "scope/0/compute/0/rules"),
    ],
)
def test_an_invalid_rule_of_a_scope_is_named(
    used_api: ApiWorld, rules: object, message: str
) -> None:
    scope = [{"compute": [{"rules": rules}]}]
    said = post(used_api, {"name": "refused", "goal": "dummy", "scope": scope})
    assert message in refused(said, 400)


@pytest.mark.parametrize(
    "names", [[{"id": "*"}], [{"id": "*"}, {"id": 1}], [{"name": "ssd"}, {"id": "*"}]]
)
def test_a_wildcard_alone_or_in_company_is_stored_as_the_original_does(
    api: ApiWorld, names: list[Any]
) -> None:
    """Runs, not the API, refuse a wildcard in company (docs/api.md, "Scope")."""
    scope = [{"compute": [{"host_aggregates": names}]}]
    made = api.template(scope=scope)
    assert made["scope"] == scope
    other = api.template(name="patched")["uuid"]
    assert patch(api, other, op("replace", "/scope", scope)).json["scope"] == scope
    audit = api.audit(goal=None, audit_template_uuid=made["uuid"])
    assert audit["scope"] == scope
    patched = api.ask("PATCH", f"/v1/audits/{audit['uuid']}", [op("replace", "/scope", scope)])
    assert patched.json["scope"] == scope


@pytest.mark.parametrize("short_form", [True, False])
def test_a_patched_scope_with_an_invalid_operator_rule_is_refused(
    api: ApiWorld,
    short_form: bool,
) -> None:
    """A patch stores any scope; a rule that no run can read would keep nothing apart."""
    rule = {"rules": {"bans": [{"servers": ["a"]}]}}
    scope = [rule] if short_form else [{"compute": [rule]}]
    path = "scope[0]" if short_form else "scope[0].compute[0]"
    template = api.template()
    audit = api.audit(goal=None, audit_template_uuid=template["uuid"])
    for url in (f"/v1/audit_templates/{template['uuid']}", f"/v1/audits/{audit['uuid']}"):
        answer = api.ask("PATCH", url, [op("replace", "/scope", scope)])
        assert f"{path}.rules.bans[0].hosts: is missing" in refused(answer, 400)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ...},
        {"name": None},
        {"name": 5},
        {"name": "x" * 64},
        {"goal": ...},
        {"goal": None},
        {"goal": ""},
        {"goal": "nosuch"},
        {"goal": "1"},
        {"goal": UNKNOWN},
        {"strategy": "nosuch"},
        {"strategy": 5},
        {"strategy": "basic"},
        {"description": 5},
        {"description": "x" * 256},
        {"scope": {}},
        {"scope": "x"},
        {"scope": [{}]},
        {"scope": [{"baremetal": []}]},
        {"scope": [{"compute": [{"typo": []}]}]},
        {"default_parameters": []},
        {"default_parameters": "x"},
        {"default_parameters": {"para1": 4.4}},
        {"default_parameters": {"unknown": 1}, "strategy": "dummy"},
        {"default_parameters": {"para1": 0}, "strategy": "dummy"},
        {"unknown": 1},
        {"uuid": UNKNOWN},
    ],
)
def test_what_is_no_template_is_refused(used_api: ApiWorld, change: dict[str, Any]) -> None:
    asked = {"name": "refused", "goal": "dummy", **change}
    body = {key: value for key, value in asked.items() if value is not ...}
    refused(post(used_api, body), 400)


def test_a_strategy_without_a_schema_takes_any_defaults(api: ApiWorld) -> None:
    template = api.template(
        goal="server_consolidation", strategy="basic", default_parameters={"any": [1]}
    )
    assert template["default_parameters"] == {"any": [1]}


def test_an_empty_strategy_is_none(api: ApiWorld) -> None:
    assert api.template(strategy="")["strategy_uuid"] is None


def test_names_are_unique_among_the_living(api: ApiWorld) -> None:
    uuid = api.template(name="one")["uuid"]
    refused(post(api, {"name": "ONE", "goal": "dummy"}), 409)
    assert api.ask("DELETE", "/v1/audit_templates/one").status_code == 204
    refused(api.ask("GET", f"/v1/audit_templates/{uuid}"), 404)
    api.template(name="one")


class TestDefaultParameters:
    @pytest.mark.parametrize("nothing", [{}, None])
    def test_before_1_7_only_nothing_can_be_sent(self, api: ApiWorld, nothing: object) -> None:
        body = {"name": "t", "goal": "dummy", "strategy": "dummy", "default_parameters": nothing}
        assert post(api, body, version="1.6").status_code == 201

    def test_before_1_7_they_are_not_acceptable(self, used_api: ApiWorld) -> None:
        body = {
            "name": "refused",
            "goal": "dummy",
            "strategy": "dummy",
            "default_parameters": {"para1": 4.4},
        }
        refused(post(used_api, body, version="1.6"), 406)
        uuid = used_api.template(strategy="dummy")["uuid"]
        change = op("replace", "/default_parameters", {"para1": 4.4})
        refused(patch(used_api, uuid, change, version="1.6"), 406)
        shown = used_api.get(f"/v1/audit_templates/{uuid}", version="1.6")
        assert "default_parameters" not in shown

    @pytest.mark.parametrize("version", ["1.0", "1.7"])
    @pytest.mark.parametrize(
        "change",
        [
            op("replace", "/goal", "dummy"),
            op("replace", "/strategy", "dummy"),
            op("remove", "/strategy"),
            op("add", "/strategy", "dummy_with_scorer"),
        ],
    )
    def test_they_hold_goal_and_strategy(
        self, used_api: ApiWorld, change: dict[str, Any], version: str
    ) -> None:
        uuid = used_api.template(strategy="dummy", default_parameters={"para1": 4.4})["uuid"]
        refused(patch(used_api, uuid, change, version=version), 409)

    def test_they_can_be_changed_together_with_the_strategy(self, api: ApiWorld) -> None:
        uuid = api.template(strategy="dummy", default_parameters={"para1": 4.4})["uuid"]
        result = patch(
            api,
            uuid,
            op("replace", "/strategy", "dummy_with_scorer"),
            op("replace", "/default_parameters", {"para2": "x"}),
        )
        assert result.status_code == 200, result.text
        assert result.json["default_parameters"] == {"para2": "x"}
        cleared = patch(api, uuid, op("remove", "/strategy"), op("remove", "/default_parameters"))
        assert cleared.status_code == 200
        assert cleared.json["strategy_name"] is None

    @pytest.mark.parametrize(
        ("change", "after"),
        [
            (op("add", "/default_parameters/para2", "x"), {"para1": 4.4, "para2": "x"}),
            (op("remove", "/default_parameters/para1"), {}),
            (op("replace", "/default_parameters", None), {}),
            (op("replace", "/default_parameters", []), {}),
            (op("remove", "/default_parameters"), {}),
        ],
    )
    def test_they_can_be_changed(
        self, used_api: ApiWorld, change: dict[str, Any], after: dict[str, Any]
    ) -> None:
        uuid = used_api.template(strategy="dummy", default_parameters={"para1": 4.4})["uuid"]
        assert patch(used_api, uuid, change).json["default_parameters"] == after

    @pytest.mark.parametrize(
        "change",
        [
            op("replace", "/default_parameters", {"unknown": 1}),
            op("replace", "/default_parameters", {"para1": 0}),
            op("add", "/default_parameters/unknown", 1),
            op("replace", "/default_parameters", "x"),
            op("replace", "/default_parameters", [1]),
        ],
    )
    def test_they_must_fit_the_strategy(self, used_api: ApiWorld, change: dict[str, Any]) -> None:
        uuid = used_api.template(strategy="dummy")["uuid"]
        refused(patch(used_api, uuid, change), 400)

    def test_they_need_a_strategy(self, used_api: ApiWorld) -> None:
        uuid = used_api.template()["uuid"]
        change = op("replace", "/default_parameters", {"para1": 4.4})
        refused(patch(used_api, uuid, change), 400)


class TestChanges:
    def test_everything_can_be_changed_together(self, api: ApiWorld) -> None:
        uuid = api.template(name="before", strategy="dummy")["uuid"]
        result = patch(
            api,
            uuid,
            op("replace", "/name", "after it"),
            op("replace", "/description", "text"),
            op("replace", "/goal", api.get("/v1/goals/unclassified")["uuid"]),
            op("replace", "/strategy", "actuator"),
            op("replace", "/scope", [{"host_aggregates": [{"id": 1}]}]),
        )
        assert result.status_code == 200
        template = result.json
        assert (template["name"], template["description"]) == ("after it", "text")
        assert (template["goal_name"], template["strategy_name"]) == ("unclassified", "actuator")
        assert template["scope"] == [{"host_aggregates": [{"id": 1}]}]  # as it is: not wrapped
        assert api.get("/v1/audit_templates/after%20it") == template
        api.template(name="before")

    def test_the_strategy_is_not_checked_against_the_goal(self, api: ApiWorld) -> None:
        uuid = api.template()["uuid"]
        changed = patch(api, uuid, op("replace", "/strategy", "basic")).json
        assert (changed["goal_name"], changed["strategy_name"]) == ("dummy", "basic")

    @pytest.mark.parametrize("value", [None, ""])
    def test_no_goal_leaves_the_goal(self, api: ApiWorld, value: object) -> None:
        uuid = api.template()["uuid"]
        assert patch(api, uuid, op("replace", "/goal", value)).json["goal_name"] == "dummy"

    @pytest.mark.parametrize(
        "change",
        [
            op("replace", "/strategy", None),
            op("replace", "/strategy", ""),
            op("remove", "/strategy"),
        ],
    )
    def test_the_strategy_can_be_cleared(self, api: ApiWorld, change: dict[str, Any]) -> None:
        uuid = api.template(strategy="dummy")["uuid"]
        assert patch(api, uuid, change).json["strategy_uuid"] is None

    def test_description_and_scope_can_be_removed(self, api: ApiWorld) -> None:
        uuid = api.template(description="x", scope=[{"compute": []}])["uuid"]
        changed = patch(api, uuid, op("remove", "/description"), op("remove", "/scope")).json
        assert (changed["description"], changed["scope"]) == (None, [])

    def test_a_name_that_another_one_has_is_a_conflict(self, api: ApiWorld) -> None:
        api.template(name="taken")
        uuid = api.template(name="mine")["uuid"]
        refused(patch(api, uuid, op("replace", "/name", "Taken")), 409)

    @pytest.mark.parametrize(
        "change",
        [
            op("remove", "/name"),
            op("remove", "/goal"),
            op("replace", "/name", 5),
            op("replace", "/name", None),
            op("replace", "/name", "x" * 64),
            op("replace", "/description", 5),
            op("replace", "/goal", "nosuch"),
            op("replace", "/goal", 5),
            op("replace", "/goal/x", "dummy"),
            op("replace", "/strategy", "nosuch"),
            op("replace", "/scope", {}),
            op("replace", "/goal_id", 1),
            op("replace", "/strategy_id", 1),
            op("replace", "/goal_uuid", UNKNOWN),
            op("replace", "/goal_name", "x"),
            op("replace", "/strategy_uuid", UNKNOWN),
            op("add", "/nosuch", 1),
            op("replace", "/uuid", UNKNOWN),
            op("replace", "/created_at", "x"),
        ],
    )
    def test_what_cannot_be_changed_is_refused(
        self, used_api: ApiWorld, change: dict[str, Any]
    ) -> None:
        uuid = used_api.template()["uuid"]
        refused(patch(used_api, uuid, change), 400)

    def test_an_empty_patch_changes_nothing(self, api: ApiWorld) -> None:
        template = api.template()
        assert patch(api, template["uuid"]).json == template

    def test_static_checks_come_before_the_lookup(self, used_api: ApiWorld) -> None:
        refused(patch(used_api, "nosuch", op("replace", "/goal", "nosuch")), 400)
        refused(patch(used_api, "nosuch", op("replace", "/description", "x")), 404)
        refused(used_api.ask("DELETE", "/v1/audit_templates/nosuch"), 404)
