"""``GET /v1/overview``: what the first screen of a viewer shows, in one answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.progress import Progress
from application.ports.services import Instance
from domain.kernel.metadata import Context
from domain.plans import ActionPlan
from infrastructure.read_models import SqlProgressBoard
from tests.world.api import ApiWorld, refused


def test_a_new_installation_says_what_is_missing(api: ApiWorld) -> None:
    view = api.get("/v1/overview")
    assert view["health"]["state"] == "failed"
    codes = [one["code"] for one in view["health"]["problems"]]
    assert codes == ["role-missing", "role-missing", "model-stale"]
    assert view["installation"]["version"] == "2.0"
    assert view["actuation"] == {"on": True, "reason": None, "since": None}
    assert datetime.fromisoformat(view["at"]).utcoffset() is not None


def test_a_plan_has_its_numbers_its_gain_and_its_running_actions(api: ApiWorld) -> None:
    plan = api.plan(state="ONGOING", actions=3)["uuid"]
    (shown,) = api.get("/v1/overview")["plans"]
    assert (shown["uuid"], shown["total"], shown["moves"]) == (plan, 3, 3)
    assert shown["pending"] + shown["ongoing"] + shown["ended"] == 3
    assert shown["age"] >= 0
    full = api.get(f"/v1/action_plans/{plan}")
    gain = full["global_efficacy"][0]
    assert shown["gain"] == {one: gain[one] for one in ("name", "value", "unit")}
    assert shown["audit_uuid"] == full["audit_uuid"]


def test_a_running_action_shows_how_far_it_is_and_that_it_stands_still(api: ApiWorld) -> None:
    made = api.plan(state="ONGOING", actions=1)["uuid"]

    def begin(plan: ActionPlan, ctx: Context) -> None:
        plan.intend_action(ctx, 1, next(iter(plan.actions)), {})

    api.change(ActionPlan, UUID(made), begin)
    (plan,) = api.get("/v1/overview")["plans"]
    (action,) = plan["running"]
    assert (action["percent"], action["rate"], action["stalled"]) == (None, None, False)
    long_ago = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    board = SqlProgressBoard(api.views_engine)
    board.put(Progress(UUID(action["uuid"]), 40.0, "copying", long_ago, copied=10**6))
    view = api.get("/v1/overview")
    (action,) = view["plans"][0]["running"]
    assert (action["percent"], action["copied"], action["stalled"]) == (40.0, 10**6, True)
    assert action["rate"] > 0
    assert "migration-stalled" in [one["code"] for one in view["health"]["problems"]]


def test_a_service_says_when_it_was_last_seen_and_what_it_does(api: ApiWorld) -> None:
    api.services.beat(Instance("watcher-applier/ctl-1/1/x", "watcher-applier", "ctl-1", 1, "x", ""))
    (role,) = api.get("/v1/overview")["roles"]
    assert (role["name"], role["host"], role["restarts"]) == ("watcher-applier", "ctl-1", None)
    assert role["doing"] == ""


def test_events_name_what_they_are_about(api: ApiWorld) -> None:
    plan = api.plan()
    events = api.get("/v1/overview")["events"]
    assert {one["plan"] for one in events} >= {plan["uuid"]}
    assert {one["audit"] for one in events} >= {plan["audit_uuid"]}
    assert [one["position"] for one in events] == sorted(one["position"] for one in events)


def test_a_past_moment_is_shown_as_it_was_shown_then(api: ApiWorld) -> None:
    """Of what the log contains; heartbeats and progress are not recorded."""
    recorded = ("audits", "plans", "events", "actuation")
    first = api.plan(state="RECOMMENDED")["uuid"]
    then = {api.log.end(): api.get("/v1/overview")}
    api.ask("PUT", "/v1/actuation", {"state": "off", "reason": "a freeze"})
    api.ask("POST", f"/v1/action_plans/{first}/start")
    api.plan(state="FAILED")
    then[api.log.end()] = api.get("/v1/overview")
    api.ask("DELETE", f"/v1/action_plans/{api.plan()['uuid']}")
    assert len({str(one["plans"]) for one in then.values()}) == 2
    for position, shown in then.items():
        past = api.get(f"/v1/overview?at={position}")
        assert past["end"] == position
        assert past["health"]["state"] == "warning"
        assert past["roles"] == past["models"] == past["projections"] == []
        for name in recorded:
            assert facts(past[name]) == facts(shown[name]), name


def facts(shown: Any) -> Any:
    """What does not depend on the time of the question, in an order of its own."""
    if isinstance(shown, dict):
        return shown
    changing = ("age", "next_run_time", "running", "rest")
    rows = [{name: one[name] for name in one if name not in changing} for one in shown]
    return sorted(rows, key=str)


def test_a_deleted_plan_is_in_the_past_overview(api: ApiWorld) -> None:
    plan = api.plan()["uuid"]
    before = api.log.end()
    api.ask("DELETE", f"/v1/action_plans/{plan}")
    assert api.get("/v1/overview")["plans"] == []
    assert [one["uuid"] for one in api.get(f"/v1/overview?at={before}")["plans"]] == [plan]
    assert api.get(f"/v1/overview?at={api.log.end()}")["plans"] == []
    refused(api.ask("GET", f"/v1/overview?at={api.log.end() + 1}"), 404)
