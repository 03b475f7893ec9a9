"""Vigil's own: events, provenance, deletion on record."""

import io
import logging
from typing import Any
from uuid import uuid4

import pytest

from infrastructure import logs
from tests.world.api import ApiWorld, refused

SHOWN = {"X-Show-Deleted": "True"}
KEYS = {
    *("position", "at", "type", "aggregate_id", "version", "actor", "actor_kind", "request_id"),
    *("correlation_id", "caused_by", "summary"),
}


def test_an_audit_tells_its_story_and_who_asked(api: ApiWorld) -> None:
    result = api.ask(
        "POST",
        "/v1/audits",
        {"audit_type": "ONESHOT", "goal": "dummy"},
        headers={"X-User-Id": "u-1", "X-User-Name": "ada", "X-Project-Id": "p-1"},
    )
    events = api.get(f"/v1/audits/{result.json['uuid']}/events")["events"]
    assert {frozenset(one) for one in events} == {frozenset(KEYS)}
    assert [one["type"] for one in events] == ["audit.requested", "audit.run-requested"]
    assert {one["actor"] for one in events} == {"ada"}
    assert {one["request_id"] for one in events} == {result.headers["x-openstack-request-id"]}
    assert events[-1]["position"] == int(result.headers["vigil-position"])


def test_a_plan_tells_what_happened_to_its_actions(api: ApiWorld) -> None:
    plan = api.plan(actions=1, state="SUCCEEDED")
    events = api.get(f"/v1/action_plans/{plan['uuid']}/events")["events"]
    assert [one["type"] for one in events] == [
        *("plan.proposed", "plan.launched", "plan.claimed"),
        *("plan.action-intended", "plan.action-succeeded", "plan.succeeded"),
    ]


def test_all_events_are_read_page_by_page(api: ApiWorld) -> None:
    for _ in range(3):
        api.audit()
    seen: list[Any] = []
    path = "/v1/events?limit=4"
    while path:
        page = api.get(path)
        seen += [one["position"] for one in page["events"]]
        path = page.get("next", "").partition("falconframework.org")[2]
    assert seen == sorted(set(seen))
    assert seen[-1] == api.log.end()
    assert api.get(f"/v1/events?after={seen[-1]}") == {"events": []}


def test_events_are_found_by_type_and_by_correlation(api: ApiWorld) -> None:
    audit = api.audit()
    [run] = api.get("/v1/events?type=audit.run-requested")["events"]
    assert run["aggregate_id"] == audit["uuid"]
    assert api.get(f"/v1/events?correlation_id={run['correlation_id']}")["events"] == [run]
    assert api.get(f"/v1/events?correlation_id={uuid4()}") == {"events": []}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "after=-1", "correlation_id=x", "foo=1", "type=a&type=b"]
)
def test_parameters_that_are_not_understood_are_refused(used_api: ApiWorld, query: str) -> None:
    refused(used_api.ask("GET", f"/v1/events?{query}"), 400)


def test_what_is_deleted_is_still_on_record(api: ApiWorld) -> None:
    audit = api.audit(audit_type="EVENT", name="gone")
    template = api.template(name="gone too")
    api.put_audit(audit["uuid"], "CANCELLED")
    api.ask("DELETE", "/v1/audits/gone")
    api.ask("DELETE", "/v1/audit_templates/gone%20too")
    for path, uuid in (("audits", audit["uuid"]), ("audit_templates", template["uuid"])):
        refused(api.ask("GET", f"/v1/{path}/{uuid}"), 404)
        assert api.get(f"/v1/{path}") == {path: []}
        refused(api.ask("GET", f"/v1/{path}?marker={uuid}"), 404)
        deleted = api.get(f"/v1/{path}/{uuid}", headers=SHOWN)
        assert deleted["deleted_at"].endswith("+00:00")
        assert [one["uuid"] for one in api.get(f"/v1/{path}", headers=SHOWN)[path]] == [uuid]
        assert api.get(f"/v1/{path}?marker={uuid}", headers=SHOWN) == {path: []}
    assert api.get("/v1/audits/gone", headers=SHOWN)["state"] == "DELETED"
    events = api.get(f"/v1/audits/{audit['uuid']}/events", headers=SHOWN)["events"]
    assert events[-1]["type"] == "audit.deleted"


@pytest.mark.parametrize("no", ["false", "0", "no", ""])
def test_deleted_things_are_only_shown_to_who_says_yes(api: ApiWorld, no: str) -> None:
    template = api.template()["uuid"]
    api.ask("DELETE", f"/v1/audit_templates/{template}")
    headers = {"X-Show-Deleted": no}
    refused(api.ask("GET", f"/v1/audit_templates/{template}", headers=headers), 404)


def test_the_access_log_names_the_request_once(api: ApiWorld) -> None:
    """The message had its id, and each line of a request ends with it anyway."""
    stream = io.StringIO()
    logger = logging.getLogger("vigil.rest.access")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.HumanFormatter())
    handler.addFilter(logs._ContextFilter("api", "a/1"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        result = api.ask("GET", "/v1/audits/a%0Ab?limit=1")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    [line] = stream.getvalue().splitlines()
    assert line.count(result.headers["x-openstack-request-id"]) == 1
    assert "GET /v1/audits/a?b" in line.replace("%0A", "?")


def test_the_next_page_of_an_audit_with_a_name_has_a_valid_address(api: ApiWorld) -> None:
    """A space and an umlaut in the name were in the link as they are."""
    api.audit(name="on event 0 ü")
    page = api.get("/v1/audits/on%20event%200%20%C3%BC/events?limit=1")
    assert "/v1/audits/on%20event%200%20%C3%BC/events?" in page["next"]
