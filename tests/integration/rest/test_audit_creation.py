"""POST /v1/audits (docs/api.md, "Audits")."""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.world.api import ApiWorld, refused

UNKNOWN = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
DETAIL = {
    *("uuid", "name", "audit_type", "state", "goal_uuid", "goal_name", "strategy_uuid"),
    *("strategy_name", "interval", "scope", "auto_trigger", "next_run_time", "force", "links"),
    *("parameters", "hostname", "start_time", "end_time", "status_message"),
    *("created_at", "updated_at", "deleted_at"),
}
SUMMARY = DETAIL - {
    *("parameters", "hostname", "start_time", "end_time", "status_message"),
    *("created_at", "updated_at", "deleted_at"),
}


def post(api: ApiWorld, body: object, **kwargs: Any) -> Any:
    return api.ask("POST", "/v1/audits", body, **kwargs)


def test_an_audit_is_created_and_shown_as_it_will_be_shown(api: ApiWorld) -> None:
    result = post(api, {"audit_type": "ONESHOT", "goal": "dummy", "strategy": "dummy"})
    assert result.status_code == 201
    audit = result.json
    assert set(audit) == DETAIL
    assert result.headers["location"].endswith(f"/v1/audits/{audit['uuid']}")
    assert int(result.headers["vigil-position"]) > 0
    assert api.get(f"/v1/audits/{audit['uuid']}") == audit
    assert api.get(f"/v1/audits/{audit['name']}") == audit
    assert api.get("/v1/audits/detail") == {"audits": [audit]}
    [summary] = api.get("/v1/audits")["audits"]
    assert set(summary) == SUMMARY
    assert {key: audit[key] for key in SUMMARY} == summary
    assert audit["state"] == "PENDING"
    assert audit["parameters"] == {"para1": 3.2, "para2": "hello"}
    assert (audit["auto_trigger"], audit["force"], audit["scope"]) == (False, False, [])
    assert audit["updated_at"] is None
    assert audit["strategy_name"] == "dummy"


def test_without_a_strategy_the_strategy_is_null_and_stays_so(api: ApiWorld) -> None:
    audit = api.audit(goal="dummy")
    assert audit["strategy_uuid"] is None
    assert audit["strategy_name"] is None
    assert audit["parameters"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {"interval": None, "parameters": None, "strategy": None, "name": None},
        {"audit_template_uuid": None, "start_time": None, "end_time": None, "force": None},
        {"auto_trigger": None},
        {"strategy": "", "name": ""},
        {"auto_trigger": "true", "force": 1},
        {"auto_trigger": "no", "force": "0"},
        {"goal": "DUMMY", "strategy": "Dummy"},
    ],
)
def test_nulls_and_lenient_flags_are_accepted(api: ApiWorld, body: dict[str, Any]) -> None:
    audit = api.audit(**body)
    assert audit["auto_trigger"] is (body.get("auto_trigger") == "true")
    assert audit["force"] is (body.get("force") == 1)


@pytest.mark.parametrize("by", ["uuid", "name"])
def test_goal_and_strategy_are_named_or_identified(api: ApiWorld, by: str) -> None:
    goal = api.get("/v1/goals/dummy")
    strategy = api.get("/v1/strategies/dummy")
    audit = api.audit(goal=goal[by], strategy=strategy[by])
    assert (audit["goal_uuid"], audit["strategy_uuid"]) == (goal["uuid"], strategy["uuid"])


def test_a_strategy_of_another_goal_is_accepted(api: ApiWorld) -> None:
    assert api.audit(goal="dummy", strategy="basic")["strategy_name"] == "basic"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"audit_type": None}, 400),
        ({"audit_type": "oneshot"}, 400),
        ({"audit_type": "NEVER"}, 400),
        ({"audit_type": 1}, 400),
        ({"audit_type": ...}, 400),
        ({"unknown": 1}, 400),
        ({"state": None}, 400),
        ({"scope": None}, 400),
        ({"scope": []}, 400),
        ({"hostname": None}, 400),
        ({"uuid": UNKNOWN}, 400),
        ({"goal": None}, 400),
        ({"goal": ""}, 400),
        ({"goal": ...}, 400),
        ({"goal": 5}, 400),
        ({"goal": "nosuch"}, 404),
        ({"goal": "nosuch", "name": "given"}, 404),
        ({"goal": UNKNOWN}, 404),
        ({"strategy": "nosuch"}, 404),
        ({"strategy": "nosuch", "name": "given"}, 404),
        ({"audit_template_uuid": UNKNOWN}, 400),
        ({"audit_template_uuid": UNKNOWN, "goal": ...}, 400),
        ({"audit_template_uuid": "a name", "goal": ...}, 400),
        ({"audit_template_uuid": "", "goal": ...}, 400),
        ({"name": 5}, 400),
        ({"parameters": []}, 400),
        ({"parameters": "x"}, 400),
        ({"parameters": {"para1": 1.0}}, 400),
        ({"parameters": {"para1": 1.0}, "strategy": "basic"}, 400),
        ({"parameters": {"unknown": 1}, "strategy": "dummy"}, 400),
        ({"parameters": {"para1": 0.5}, "strategy": "dummy"}, 400),
        ({"parameters": {"para1": "x"}, "strategy": "dummy"}, 400),
        ({"strategy": "actuator"}, 400),
        ({"parameters": None, "strategy": "actuator"}, 400),
        ({"parameters": {"actions": [{"action_type": "nop"}]}, "strategy": "actuator"}, 400),
        ({"interval": "60"}, 400),
        ({"interval": 60}, 400),
        ({"start_time": "2026-12-01T10:00:00"}, 400),
        ({"end_time": "2026-12-01T10:00:00"}, 400),
        ({"audit_type": "CONTINUOUS"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": None}, 400),
        ({"audit_type": "CONTINUOUS", "interval": ""}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "bogus"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "0"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "-5"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "0 0 30 2 *"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "60", "start_time": "soon"}, 400),
        ({"audit_type": "CONTINUOUS", "interval": "60", "end_time": ""}, 400),
        ({"auto_trigger": "perhaps"}, 400),
        ({"auto_trigger": 2}, 400),
        ({"auto_trigger": []}, 400),
        ({"force": {}}, 400),
    ],
)
def test_what_is_no_audit_is_refused(
    used_api: ApiWorld, change: dict[str, Any], status: int
) -> None:
    asked = {"audit_type": "ONESHOT", "goal": "dummy", **change}
    body = {key: value for key, value in asked.items() if value is not ...}
    before = used_api.log.end()
    text = refused(post(used_api, body), status)
    assert text
    assert used_api.log.end() == before


def test_errors_name_the_field_and_the_rule(used_api: ApiWorld) -> None:
    body = {"audit_type": "ONESHOT", "goal": "dummy", "name": 5}
    text = refused(post(used_api, body), 400)
    assert "name" in text
    assert "str" in text
    body = {"audit_type": "ONESHOT", "goal": "dummy", "strategy": "dummy", "parameters": {"p": 1}}
    assert "para1" in refused(post(used_api, body), 400)


class TestNames:
    def test_a_generated_name_tells_strategy_or_goal_and_time(self, api: ApiWorld) -> None:
        for body, base in (
            ({"strategy": "basic"}, "basic"),
            ({}, "dummy"),
        ):
            name = api.audit(**body)["name"]
            assert name.startswith(f"{base}-20")
            assert datetime.fromisoformat(name[len(base) + 1 :]).tzinfo is None

    def test_a_template_gives_its_name_unless_it_has_a_strategy(self, api: ApiWorld) -> None:
        plain = api.template(name="plain")["uuid"]
        assert api.audit(goal=None, audit_template_uuid=plain)["name"].startswith("plain-20")
        chosen = api.template(name="chosen", strategy="dummy")["uuid"]
        assert api.audit(goal=None, audit_template_uuid=chosen)["name"].startswith("dummy-20")

    def test_the_base_is_shortened_and_not_the_time(self, api: ApiWorld) -> None:
        template = api.template(name="x" * 63)["uuid"]
        names = {api.audit(goal=None, audit_template_uuid=template)["name"] for _ in range(3)}
        assert len(names) == 3
        assert all(len(name) == 63 for name in names)
        assert all(datetime.fromisoformat(name[37:]) for name in names)

    def test_a_name_that_is_given_is_cut_to_63_characters(self, api: ApiWorld) -> None:
        assert api.audit(name="y" * 255)["name"] == "y" * 63
        refused(post(api, {"audit_type": "EVENT", "goal": "dummy", "name": "y" * 64}), 409)

    @pytest.mark.parametrize("name", ["a b", "ü/x", "dummy.json", "-", "a?b#c", "日本語", "a%b"])
    def test_any_character_goes(self, api: ApiWorld, name: str) -> None:
        audit = api.audit(name=name)
        assert audit["name"] == name
        if "/" not in name:
            assert api.get(f"/v1/audits/{quote(name)}") == audit

    def test_a_name_is_unique_among_the_living_whatever_its_case(self, api: ApiWorld) -> None:
        first = api.audit(name="Nightly")["uuid"]
        text = refused(post(api, {"audit_type": "EVENT", "goal": "dummy", "name": "nightly"}), 409)
        assert "nightly" in text
        api.put_audit(first, "CANCELLED")
        assert api.ask("DELETE", f"/v1/audits/{first}").status_code == 204
        assert api.audit(name="NIGHTLY")["name"] == "NIGHTLY"


class TestRequestedActions:
    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (
                {"action_type": "fly", "input_parameters": {}},
                (
                    "actions/1/action_type: must be a registered action type "
                    "(migrate, nop, sleep, stop), which 'fly' is not"
                ),
            ),
            (
                {"action_type": "nop", "input_parameters": {"text": "hi"}},
                "actions/1/input_parameters/message: is required (action type nop)",
            ),
            (
                {"action_type": "sleep", "input_parameters": {"duration": -1}},
                (
                    "actions/1/input_parameters/duration: must be at least 0, not -1 "
                    "(action type sleep)"
                ),
            ),
            (
                {"action_type": "stop", "input_parameters": {}},
                "actions/1/resource_id: is required (action type stop)",
            ),
            (
                {"action_type": "stop", "input_parameters": {"resource_id": UNKNOWN}},
                "actions/1/input_parameters: must not contain resource_id",
            ),
        ],
    )
    def test_an_actuator_audit_with_an_action_that_cannot_be_executed_is_refused(
        self, api: ApiWorld, action: dict[str, Any], told: str
    ) -> None:
        """It succeeded with a plan, and only the start of that failed."""
        good = {"action_type": "nop", "input_parameters": {"message": "x"}}
        chosen = {"goal": "unclassified", "strategy": "actuator"}
        sound = {**chosen, "parameters": {"actions": [good]}}
        broken = {**chosen, "parameters": {"actions": [good, action]}}
        api.audit(**sound)
        text = refused(post(api, {"audit_type": "ONESHOT", **broken}), 400)
        assert f"parameters/{told}" in text
        template = {"name": "t", **chosen, "default_parameters": broken["parameters"]}
        text = refused(api.ask("POST", "/v1/audit_templates", template), 400)
        assert f"default_parameters/{told}" in text
        assert len(api.get("/v1/audits")["audits"]) == 1

    def test_an_action_type_without_a_recorded_schema_is_checked_by_its_run_only(
        self, api: ApiWorld
    ) -> None:
        listed = {"action_type": "migrate", "input_parameters": {"anything": 1}}
        parameters = {"actions": [listed]}
        audit = api.audit(goal="unclassified", strategy="actuator", parameters=parameters)
        assert audit["parameters"] == parameters


class TestTemplates:
    def test_goal_strategy_scope_and_defaults_are_inherited(self, api: ApiWorld) -> None:
        scope = [{"compute": [{"availability_zones": [{"name": "az1"}]}]}]
        template = api.template(strategy="dummy", scope=scope, default_parameters={"para1": 4.4})[
            "uuid"
        ]
        body = {"audit_type": "ONESHOT", "audit_template_uuid": template}
        audit = post(api, body, version="1.0").json
        assert (audit["goal_name"], audit["strategy_name"]) == ("dummy", "dummy")
        assert audit["scope"] == scope
        assert audit["parameters"] == {"para1": 4.4, "para2": "hello"}

    def test_what_is_given_goes_before_the_templates_defaults(self, api: ApiWorld) -> None:
        template = api.template(strategy="dummy", default_parameters={"para1": 4.4})["uuid"]
        audit = api.audit(
            goal=None,
            audit_template_uuid=template,
            strategy="dummy_with_scorer",
            parameters={"para1": 5.5},
        )
        assert audit["strategy_name"] == "dummy_with_scorer"
        assert audit["parameters"]["para1"] == 5.5
        null = api.audit(goal=None, audit_template_uuid=template, parameters=None)
        assert null["parameters"] == {"para1": 4.4, "para2": "hello"}

    def test_defaults_that_the_chosen_strategy_does_not_know_are_refused(
        self, api: ApiWorld
    ) -> None:
        template = api.template(strategy="dummy", default_parameters={"para1": 4.4})["uuid"]
        for strategy in ("basic", "actuator"):
            body = {
                "audit_type": "ONESHOT",
                "audit_template_uuid": template,
                "strategy": strategy,
            }
            refused(post(api, body), 400)

    def test_later_changes_of_the_template_do_not_reach_the_audit(self, api: ApiWorld) -> None:
        template = api.template(goal="dummy")["uuid"]
        audit = api.audit(goal=None, audit_template_uuid=template)
        patch = [{"op": "replace", "path": "/goal", "value": "unclassified"}]
        assert api.ask("PATCH", f"/v1/audit_templates/{template}", patch).status_code == 200
        assert api.get(f"/v1/audits/{audit['uuid']}") == audit

    def test_a_deleted_template_is_unknown(self, api: ApiWorld) -> None:
        template = api.template()["uuid"]
        api.ask("DELETE", f"/v1/audit_templates/{template}")
        refused(post(api, {"audit_type": "EVENT", "audit_template_uuid": template}), 400)

    def test_goal_and_template_exclude_each_other(self, api: ApiWorld) -> None:
        template = api.template()["uuid"]
        body = {"audit_type": "EVENT", "audit_template_uuid": template, "goal": "dummy"}
        refused(post(api, body), 400)


class TestTimes:
    @pytest.fixture
    def east(self) -> Iterator[None]:
        before = os.environ.get("TZ")
        os.environ["TZ"] = "UTC-2"
        time.tzset()
        yield
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()

    def test_times_are_local_going_in_and_utc_coming_out(self, api: ApiWorld, east: None) -> None:
        audit = api.audit(
            audit_type="CONTINUOUS",
            interval="*/5 * * * *",
            start_time="2026-12-01 10:00:00",
            end_time="2026-12-02T10:00:00+05:00",
        )
        assert audit["interval"] == "*/5 * * * *"
        assert audit["start_time"] == "2026-12-01T08:00:00"
        assert audit["end_time"] == "2026-12-02T05:00:00"

    def test_times_need_version_1_1(self, used_api: ApiWorld) -> None:
        body = {
            "audit_type": "CONTINUOUS",
            "goal": "dummy",
            "interval": "60",
            "start_time": "2026-12-01T10:00:00Z",
        }
        result = post(used_api, body, version="1.0")
        refused(result, 406)
        assert result.headers["openstack-api-maximum-version"] == "1.7"
        assert post(used_api, {**body, "start_time": None}, version="1.0").status_code == 201
        oneshot = {**body, "audit_type": "ONESHOT", "interval": None}
        refused(post(used_api, oneshot, version="1.0"), 400)

    def test_an_event_audit_may_have_everything(self, api: ApiWorld) -> None:
        audit = api.audit(
            audit_type="EVENT",
            interval="60",
            start_time="2026-12-01T10:00:00Z",
            end_time="2026-12-01T09:00:00Z",
        )
        assert audit["state"] == "PENDING"


class TestVersions:
    @pytest.mark.parametrize(
        ("version", "hidden"),
        [
            ("1.0", {"start_time", "end_time", "status_message"}),
            ("1.1", {"status_message"}),
            ("1.4", {"status_message"}),
            ("1.5", set()),
        ],
    )
    def test_what_came_later_is_absent_from_details(
        self, used_api: ApiWorld, version: str, hidden: set[str]
    ) -> None:
        audit = used_api.audit()
        shown = used_api.get(f"/v1/audits/{audit['uuid']}", version=version)
        assert set(shown) == DETAIL - hidden

    def test_force_is_stored_at_any_version_and_told_from_1_2_on(self, api: ApiWorld) -> None:
        body = {"audit_type": "EVENT", "goal": "dummy", "force": True}
        created = post(api, body, version="1.0").json
        assert created["force"] is False
        path = f"/v1/audits/{created['uuid']}"
        assert api.get(path, version="1.1")["force"] is False
        assert api.get(path, version="1.2")["force"] is True
        assert api.get("/v1/audits/detail", version="1.2")["audits"][0]["force"] is True
        assert api.get("/v1/audits", version="1.7")["audits"][0]["force"] is False
