"""Every route names its rule, and the rules are asked."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import falcon.testing
import pytest

from domain.cluster_models import ClusterModel
from interfaces.rest import app as composition
from interfaces.rest.app import create_app
from interfaces.rest.errors import Unauthenticated
from interfaces.rest.route_table import routes
from interfaces.rest.routes import Access, Route, RouteMethod
from interfaces.rest.rules import RULES
from tests.given import context
from tests.world.api import ApiWorld, refused
from tests.world.collected import collect

NOBODY = {"X-Roles": "member, reader"}
IDENTIFIED = {("/v1", "GET")}
PUBLIC = {
    (path, "GET")
    for path in ("/", "/healthcheck", "/healthcheck/live", "/metrics", "/openapi.json", "/ui")
} | {(f"/ui/{name}", "GET") for name in ("index.html", "app.js", "style.css", "icon.svg")}


def responders(route: Route) -> set[str]:
    """The methods that a route's resource answers."""
    found = set()
    for name, _ in inspect.getmembers(route.resource, callable):
        verb, _, suffix = name.removeprefix("on_").partition("_")
        if name.startswith("on_") and (suffix or None) == route.suffix:
            found.add(verb.upper())
    return found


def test_every_method_of_every_route_names_its_rule(used_api: ApiWorld) -> None:
    for route in routes(used_api.rest):
        named = {endpoint.method for endpoint in route.endpoints}
        assert named == responders(route), route.path
        for endpoint in route.endpoints:
            key = (route.path, endpoint.method)
            if endpoint.access is Access.RULE:
                assert endpoint.rule in RULES, key
            elif endpoint.access is Access.IDENTIFIED:
                assert key in IDENTIFIED
            else:
                assert key in PUBLIC


def test_every_rule_guards_something(used_api: ApiWorld) -> None:
    used = {endpoint.rule for route in routes(used_api.rest) for endpoint in route.endpoints}
    assert used - {None} == set(RULES)


class Everything:
    """Paths of things that are there, for every route."""

    def __init__(self, api: ApiWorld) -> None:
        plan = api.plan()
        self.idents: Mapping[str, str] = {
            "goals": "dummy",
            "strategies": "dummy",
            "scoring_engines": "dummy_scorer",
            "services": "1",
            "audit_templates": api.template()["uuid"],
            "audits": api.audit()["uuid"],
            "webhooks": api.audit(audit_type="EVENT")["uuid"],
            "action_plans": plan["uuid"],
            "actions": api.actions(plan["uuid"])[0]["uuid"],
            "runs": api.run(),
            "servers": "web",
            "hosts": "cmp-1",
        }

    def path(self, template: str) -> str:
        collection = template.split("/")[2] if template.count("/") > 1 else ""
        return template.replace("{ident}", self.idents.get(collection, ""))


BODIES: Mapping[str, Any] = {
    "audit:create": {"audit_type": "EVENT", "goal": "dummy"},
    "audit_template:create": {"name": "t", "goal": "dummy"},
    "audit:update": [{"op": "replace", "path": "/force", "value": True}],
    "audit_template:update": [{"op": "replace", "path": "/description", "value": "x"}],
    "action_plan:update": [{"op": "replace", "path": "/state", "value": "CANCELLED"}],
    "action:update": [{"op": "replace", "path": "/state", "value": "SKIPPED"}],
    "actuation:update": {"state": "off", "reason": "maintenance"},
    "webhook:trigger": {},
    "action_plan:start": {},
    "run:whatif": {"without_hosts": ["b"]},
    "action_plan:return": {},
}


@pytest.fixture
def everything(api: ApiWorld) -> Everything:
    api.worker()
    api.model.rows = []
    return Everything(api)


def guarded(api: ApiWorld) -> list[tuple[Route, RouteMethod]]:
    return [
        (route, endpoint)
        for route in routes(api.rest)
        for endpoint in route.endpoints
        if (
            endpoint.access is Access.RULE
            and (route.suffix, endpoint.method) not in {("start", "GET"), ("list", "POST")}
        )
        or endpoint.rule in {"audit:create", "audit_template:create"}
    ]


def test_whoever_lacks_the_role_is_told_the_rule(api: ApiWorld, everything: Everything) -> None:
    before = api.log.end()
    for route, endpoint in guarded(api):
        path = everything.path(route.path)
        body = BODIES.get(endpoint.rule or "", ...)
        result = api.ask(endpoint.method, path, body, headers=NOBODY)
        text = refused(result, 403)
        assert text == f"Policy doesn't allow {endpoint.rule} to be performed."
    assert api.log.end() == before


@pytest.mark.parametrize("role", ["admin", "Administrator", "reader,ADMIN"])
def test_whoever_has_the_role_passes(api: ApiWorld, role: str) -> None:
    api.worker()
    api.model.rows = []
    collect(api, ClusterModel.open(context(), "default", "compute"))
    ended = api.plan(state="SUCCEEDED")["uuid"]
    for route, endpoint in guarded(api):
        path = Everything(api).path(route.path)
        body = BODIES.get(endpoint.rule or "", ...)
        if endpoint.rule == "audit_template:create":
            body = {"name": str(uuid4()), "goal": "dummy"}
        if endpoint.rule == "action_plan:return":
            path = f"/v1/action_plans/{ended}/return"
        headers = {"X-Roles": role}
        if endpoint.method == "DELETE" and endpoint.rule == "audit:delete":
            api.put_audit(path.rpartition("/")[2], "CANCELLED")
        result = api.ask(endpoint.method, path, body, headers=headers)
        assert result.status_code < 300, (path, result.text)


def test_a_service_may_call_webhooks_and_nothing_else(api: ApiWorld) -> None:
    service = {"X-Roles": "service"}
    uuid = api.audit(audit_type="EVENT")["uuid"]
    assert api.ask("POST", f"/v1/webhooks/{uuid}", {}, headers=service).status_code == 202
    refused(api.ask("GET", "/v1/audits", headers=service), 403)


def test_an_empty_list_of_roles_is_no_role(used_api: ApiWorld) -> None:
    refused(used_api.ask("GET", "/v1/goals", headers={"X-Roles": ""}), 403)


def test_the_index_needs_no_role(used_api: ApiWorld) -> None:
    assert used_api.ask("GET", "/v1", headers=NOBODY).status_code == 200


def test_what_is_missing_is_told_before_the_policy_is_asked(used_api: ApiWorld) -> None:
    unknown = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
    for path in ("goals", "strategies", "audits", "audit_templates", "action_plans", "actions"):
        refused(used_api.ask("GET", f"/v1/{path}/{unknown}", headers=NOBODY), 404)
    refused(used_api.ask("GET", f"/v1/scoring_engines/{unknown}", headers=NOBODY), 403)
    refused(used_api.ask("GET", f"/v1/strategies/{unknown}/state", headers=NOBODY), 403)
    refused(used_api.ask("POST", f"/v1/webhooks/{unknown}", {}, headers=NOBODY), 403)


def test_bad_parameters_are_told_before_the_policy_is_asked(used_api: ApiWorld) -> None:
    refused(used_api.ask("GET", "/v1/audits?foo=1", headers=NOBODY), 400)
    refused(used_api.ask("GET", "/v1/audits?limit=x", headers=NOBODY), 400)
    refused(used_api.ask("GET", "/v1/audits?sort_key=x", headers=NOBODY), 403)
    refused(used_api.ask("POST", "/v1/audits", {"x": 1}, headers=NOBODY), 400)
    oneshot = {"audit_type": "never", "goal": "dummy"}
    refused(used_api.ask("POST", "/v1/audits", oneshot, headers=NOBODY), 403)


def test_a_handler_that_forgets_the_policy_is_kept_back(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The control: a defect in a handler must not become an open door."""

    class Forgetful:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = '"secret"'

    def with_a_defect(api: Any) -> list[Route]:
        return [
            Route(
                "/v1/forgetful", Forgetful(), None, (RouteMethod("GET", {200: None}, "goal:get"),)
            )
        ]

    monkeypatch.setattr(composition, "routes", with_a_defect)
    client = falcon.testing.TestClient(create_app(api.rest))
    result = client.simulate_get("/v1/forgetful")
    assert result.status_code == 500
    assert "secret" not in result.text
    assert "without checking the policy" in caplog.text


def test_a_caller_that_cannot_be_identified_is_answered_like_the_identity_service(
    api: ApiWorld,
) -> None:
    class Strict:
        def identify(self, req: falcon.Request) -> Any:
            raise Unauthenticated('Keystone uri="http://keystone.example"')

        def allows(self, caller: Any, rule: str, target: Any) -> bool:
            raise AssertionError(rule)

    client = falcon.testing.TestClient(create_app(replace(api.rest, authorizer=Strict())))
    for path in ("/v1", "/v1/goals", "/v1/nosuch", "/goals"):
        result = client.simulate_get(path, headers={"OpenStack-API-Version": "infra-optim 9.9"})
        assert result.status_code == 401
        assert result.json["error"]["code"] == 401
        assert result.headers["www-authenticate"] == 'Keystone uri="http://keystone.example"'
        assert result.headers["x-openstack-request-id"].startswith("req-")
        assert "openstack-api-version" not in result.headers
    for path in ("/", "/healthcheck", "/healthcheck/live"):
        assert client.simulate_get(path).status_code == 200
