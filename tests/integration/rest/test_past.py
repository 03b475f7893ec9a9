"""Vigil's own: things as they were (``?at=``), and why a plan is as it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.audits import Audit
from domain.plans.action_plan import ActionPlan
from tests.world.api import DUMMY_SPEC, ApiWorld, refused

SHOWN = {"X-Show-Deleted": "True"}
FIRST = DUMMY_SPEC["properties"]["para1"]["default"]


def change(api: ApiWorld, path: str, name: str, value: object) -> int:
    """Changes an attribute; returns the log position of that."""
    patch = [{"op": "replace", "path": f"/{name}", "value": value}]
    result = api.ask("PATCH", path, patch)
    assert result.status_code == 200, result.text
    return int(result.headers["vigil-position"])


def history(api: ApiWorld, uuid: str) -> list[Any]:
    return api.log.history(UUID(uuid))


class TestAudits:
    def test_each_moment_is_shown_as_it_was_shown_then(self, api: ApiWorld) -> None:
        """What the past looks like is not told anew: it is what a GET answered at the time."""
        audit = api.audit(audit_type="CONTINUOUS", interval="60", strategy="dummy")
        path = f"/v1/audits/{audit['uuid']}"
        then = {api.log.end(): api.get(path)}
        for name, value in (("interval", "*/5 * * * *"), ("name", "other"), ("force", True)):
            position = change(api, path, name, value)
            then[position] = api.get(path)
        api.put_audit(audit["uuid"], "ONGOING")
        then[api.log.end()] = api.get(path)
        change(api, path, "state", "CANCELLED")
        then[api.log.end()] = api.get(path)
        assert len(then) == len({str(view) for view in then.values()}) == 6
        for position, view in then.items():
            result = api.ask("GET", f"{path}?at={position}")
            assert result.json == view
            own = [one.position for one in history(api, audit["uuid"])]
            last = max(one for one in own if one <= position)
            assert int(result.headers["vigil-position"]) == last
            assert api.get(f"/v1/audits/other?at={position}") == view

    def test_the_state_is_the_one_that_the_aggregate_had(self, api: ApiWorld) -> None:
        uuid = api.audit(audit_type="EVENT")["uuid"]
        api.put_audit(uuid, "SUCCEEDED")
        for entry in history(api, uuid):
            then = api.log.find(Audit, UUID(uuid), entry.version)
            assert then is not None
            shown = api.get(f"/v1/audits/{uuid}?at={entry.position}")
            assert shown["state"] == then.state

    def test_a_time_means_what_had_happened_by_then(self, api: ApiWorld) -> None:
        uuid = api.audit(audit_type="EVENT", name="early")["uuid"]
        path = f"/v1/audits/{uuid}"
        change(api, path, "name", "late")
        [born, changed] = [entry.event.timestamp for entry in history(api, uuid)]
        just_before = changed - timedelta(microseconds=1)
        assert api.get(f"{path}?at={just_before.isoformat()}")["name"] == "early"
        assert api.get(f"{path}?at={changed.isoformat().replace('+', '%2B')}")["name"] == "late"
        naive = born.astimezone(UTC).replace(tzinfo=None).isoformat()
        assert api.get(f"{path}?at={naive}Z")["name"] == "early"
        assert api.get(f"{path}?at={naive}")["name"] == "early"
        before = (born - timedelta(seconds=1)).isoformat().replace("+", "%2B")
        assert "did not exist" in refused(api.ask("GET", f"{path}?at={before}"), 404)

    def test_what_is_deleted_today_is_there_in_its_past(self, api: ApiWorld) -> None:
        uuid = api.audit(audit_type="EVENT", name="gone")["uuid"]
        change(api, f"/v1/audits/{uuid}", "state", "CANCELLED")
        before = api.log.end()
        api.ask("DELETE", f"/v1/audits/{uuid}")
        after = api.log.end()
        assert api.get(f"/v1/audits/gone?at={before}")["state"] == "CANCELLED"
        refused(api.ask("GET", f"/v1/audits/gone?at={after}"), 404)
        assert api.get(f"/v1/audits/gone?at={after}", headers=SHOWN)["state"] == "DELETED"

    def test_what_has_not_been_yet_cannot_be_asked_for(self, api: ApiWorld) -> None:
        uuid = api.audit()["uuid"]
        beyond = api.log.end() + 1
        assert "ends at" in refused(api.ask("GET", f"/v1/audits/{uuid}?at={beyond}"), 404)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()  # noqa: TID251
        refused(api.ask("GET", f"/v1/audits/{uuid}?at={tomorrow}"), 404)

    @pytest.mark.parametrize(
        "query", ["at=x", "at=", "at=-1", "at=1.5", "at=1&at=2", "at=2026-13-01", "then=1"]
    )
    def test_what_is_neither_position_nor_time_is_refused(
        self, used_api: ApiWorld, query: str
    ) -> None:
        uuid = used_api.audit()["uuid"]
        refused(used_api.ask("GET", f"/v1/audits/{uuid}?{query}"), 400)

    def test_the_policy_is_asked_about_the_past_too(self, used_api: ApiWorld) -> None:
        uuid = used_api.audit()["uuid"]
        nobody = {"X-Roles": "reader"}
        for moment in (1, 10**9):
            path = f"/v1/audits/{uuid}?at={moment}"
            refused(used_api.ask("GET", path, headers=nobody), 403)


class TestPlans:
    def test_plans_and_actions_are_shown_as_they_were(self, api: ApiWorld) -> None:
        plan = api.plan(actions=2, state="SUCCEEDED")["uuid"]
        actions = [one["uuid"] for one in api.actions(plan)]
        seen = set()
        for entry in history(api, plan):
            then = api.log.find(ActionPlan, UUID(plan), entry.version)
            assert then is not None
            shown = api.get(f"/v1/action_plans/{plan}?at={entry.position}")
            assert shown["state"] == then.state
            states = [api.get(f"/v1/actions/{one}?at={entry.position}")["state"] for one in actions]
            assert states == [then.actions[UUID(one)].state for one in actions]
            listed = api.get(f"/v1/action_plans/{plan}/actions?at={entry.position}")["actions"]
            assert [one["state"] for one in listed] == states
            assert [one["uuid"] for one in listed] == actions
            seen.add((shown["state"], *states))
        assert len(seen) > 4
        today = api.log.end()
        paths = (f"/v1/action_plans/{plan}", f"/v1/actions/{actions[0]}")
        for path in (*paths, f"{paths[0]}/actions"):
            assert api.get(f"{path}?at={today}") == api.get(path)

    def test_the_audit_of_a_plan_is_shown_while_it_was_there(self, api: ApiWorld) -> None:
        audit = api.audit(audit_type="EVENT")["uuid"]
        plan = api.plan(audit)["uuid"]
        before = api.log.end()
        api.put_audit(audit, "CANCELLED")
        api.ask("DELETE", f"/v1/audits/{audit}")
        assert api.get(f"/v1/action_plans/{plan}?at={before}")["audit_uuid"] == audit
        now = api.log.end()
        assert api.get(f"/v1/action_plans/{plan}?at={now}")["audit_uuid"] is None

    def test_an_action_goes_with_its_plan(self, api: ApiWorld) -> None:
        plan = api.plan()["uuid"]
        action = api.actions(plan)[0]["uuid"]
        api.ask("DELETE", f"/v1/action_plans/{plan}")
        now = api.log.end()
        refused(api.ask("GET", f"/v1/actions/{action}?at={now}"), 404)
        shown = api.get(f"/v1/actions/{action}?at={now}", headers=SHOWN)
        assert shown == api.get(f"/v1/actions/{action}", headers=SHOWN)
        refused(api.ask("GET", f"/v1/action_plans/{plan}/actions"), 404)
        listed = api.get(f"/v1/action_plans/{plan}/actions", headers=SHOWN)["actions"]
        assert listed[0]["uuid"] == action


def test_the_actions_of_a_plan_are_all_listed(api: ApiWorld) -> None:
    plan = api.plan(actions=1001)["uuid"]
    assert len(api.get(f"/v1/action_plans/{plan}/actions")["actions"]) == 1001


def test_lists_are_only_shown_as_they_are(used_api: ApiWorld) -> None:
    for path in ("audits", "audits/detail", "action_plans", "actions"):
        refused(used_api.ask("GET", f"/v1/{path}?at=1"), 400)


def test_the_data_model_is_asked_for_the_moment(api: ApiWorld) -> None:
    api.model.rows = []
    end = api.log.end()
    api.get(f"/v1/data_model?at={end}")
    api.get("/v1/data_model?at=2026-04-06T07:27:27%2B02:00")
    api.get("/v1/data_model")
    moment = datetime(2026, 4, 6, 5, 27, 27, tzinfo=UTC)
    assert api.model.moments == [end, moment, None]
    refused(api.ask("GET", f"/v1/data_model?at={end + 1}"), 404)
    refused(api.ask("GET", "/v1/data_model?at=yesterday"), 400)


class TestExplanations:
    def test_each_move_and_each_rejection_has_its_reason(self, api: ApiWorld) -> None:
        plan = api.plan(actions=2)["uuid"]
        explained_plan = api.get(f"/v1/action_plans/{plan}/explanation")
        actions = [one["uuid"] for one in api.actions(plan)]
        assert explained_plan["action_plan_uuid"] == plan
        assert [move["action_uuid"] for move in explained_plan["moves"]] == actions
        assert [move["parents"] for move in explained_plan["moves"]] == [[], actions[:1]]
        assert explained_plan["moves"][0]["because"] == {
            "reason": "frees-host",
            "facts": {"server": "server-0", "source": "cmp-1"},
            "text": "moving server-0 helps to empty cmp-1",
        }
        [rejected] = explained_plan["rejections"]
        assert rejected["subject"] == "server server-9"
        assert rejected["because"]["reason"] == "capacity-short"
        assert "cmp-3 lacks memory" in rejected["because"]["text"]
        assert [note["reason"] for note in explained_plan["notes"]] == ["host-emptied"]
        assert explained_plan["indicators"] == {"released_compute_nodes_count": 1.0}

    def test_it_is_what_was_recorded_and_never_worked_out_again(self, api: ApiWorld) -> None:
        plan = api.plan()["uuid"]
        before = api.get(f"/v1/action_plans/{plan}/explanation")
        api.ask("POST", f"/v1/action_plans/{plan}/start")
        assert api.get(f"/v1/action_plans/{plan}/explanation") == before
        stored = api.records.get(before["explanation"])
        assert before["record"].encode() in stored

    def test_a_lost_record_is_told(self, api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = api.plan()["uuid"]

        def lose(digest: str) -> bytes:
            raise KeyError(digest)

        monkeypatch.setattr(api.records, "get", lose)
        text = refused(api.ask("GET", f"/v1/action_plans/{plan}/explanation"), 500)
        assert "cannot be read" in text

    def test_a_plan_that_is_not_there_has_none(self, used_api: ApiWorld) -> None:
        unknown = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
        refused(used_api.ask("GET", f"/v1/action_plans/{unknown}/explanation"), 404)
        refused(used_api.ask("GET", "/v1/action_plans/bogus/explanation"), 400)
