"""Deny by default: asked of the router itself, so that no route can be overlooked."""

from collections.abc import Iterator

import falcon
import falcon.inspect
import falcon.testing
import pytest

from interfaces import web
from interfaces.rest.app import create_app
from interfaces.rest.route_table import routes
from interfaces.rest.routes import Access, RouteMethod, by_method
from interfaces.rest.rules import RULES
from tests.integration.rest.access.keystone import Keystone, guard, guarded_by
from tests.world.api import ApiWorld

PUBLIC = {"/", "/healthcheck", "/healthcheck/live", "/metrics", "/openapi.json", "/ui"} | {
    f"/ui/{name}" for name in ("index.html", "app.js", "style.css", "icon.svg")
}
"""All that may ever be public. A new one is a decision, to be made here too."""


def answered(app: falcon.App[falcon.Request, falcon.Response]) -> Iterator[tuple[str, str]]:
    """Path template and method of all that the router has a responder for."""
    for route in falcon.inspect.inspect_routes(app):
        for method in route.methods:
            if not method.internal:
                yield route.path, method.method


def ruleless(
    app: falcon.App[falcon.Request, falcon.Response], endpoints: dict[tuple[str, str], RouteMethod]
) -> set[tuple[str, str]]:
    """What is answered without a rule, and is not meant to be."""
    found = set()
    for path, method in answered(app):
        endpoint = endpoints.get((path, method))
        known = endpoint is not None and (
            (endpoint.access is Access.RULE and endpoint.rule in RULES)
            or (endpoint.access is Access.IDENTIFIED and path == "/v1")
            or (endpoint.access is Access.PUBLIC and path in PUBLIC)
        )
        if not known:
            found.add((path, method))
    return found


def test_every_method_that_the_router_answers_has_a_rule(used_api: ApiWorld) -> None:
    app = create_app(used_api.rest)
    assert len(list(answered(app))) > 40
    assert ruleless(app, by_method(routes(used_api.rest))) == set()


def test_a_route_without_a_rule_would_be_found(used_api: ApiWorld) -> None:
    """The control."""

    class Forgotten:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            """Nobody thought of a rule."""

    app = create_app(used_api.rest)
    app.add_route("/v1/forgotten/{ident}", Forgotten())
    found = ruleless(app, by_method(routes(used_api.rest)))
    assert found == {("/v1/forgotten/{ident}", "GET")}


def test_no_route_answers_without_a_token_but_the_public_ones(
    used_api: ApiWorld, keystone: Keystone
) -> None:
    http = guarded_by(used_api, guard(keystone.options()))
    before = used_api.log.end()
    asked = 0
    for template, method in answered(create_app(used_api.rest)):
        if template in PUBLIC:
            continue
        path = template.replace("{", "").replace("}", "")
        for spelled in (path, f"{path}/", path.replace("/v1/", "/v1//"), f"/{path}"):
            asked += 1
            answer = http.simulate_request(method, spelled, json={"a": 1})
            assert answer.status_code == 401, (method, spelled, answer.text)
    assert asked > 160
    assert used_api.log.end() == before


@pytest.mark.parametrize("method", ["HEAD", "PUT", "TRACE", "DELETE", "POST"])
def test_a_method_that_is_not_there_is_not_told_to_strangers(
    used_api: ApiWorld, keystone: Keystone, method: str
) -> None:
    http = guarded_by(used_api, guard(keystone.options()))
    assert http.simulate_request(method, "/v1/goals").status_code == 401


def test_the_files_are_public_and_the_data_is_not(used_api: ApiWorld, keystone: Keystone) -> None:
    http = guarded_by(used_api, guard(keystone.options()))
    for name, kind in web.FILES.items():
        answer = http.simulate_get(f"/ui/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content == web.content(name)
    assert http.simulate_get("/v1/overview").status_code == 401
    assert http.simulate_get("/ui/app.ts").status_code == 401
