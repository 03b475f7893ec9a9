"""The OpenAPI description: complete, served, and what the API does."""

import pytest

from domain.cluster_models import ClusterModel
from interfaces.rest.openapi.document import short_names
from interfaces.rest.route_table import routes
from tests.given import context
from tests.integration.rest.described import Undescribed, check, document
from tests.world.api import ApiWorld
from tests.world.collected import collect


def test_it_is_served_to_anybody(used_api: ApiWorld) -> None:
    served_one = used_api.get("/openapi.json", version=None, headers={"X-Roles": ""})
    assert served_one == document()


def test_every_method_of_every_route_is_described(used_api: ApiWorld) -> None:
    there = {
        (route.path, endpoint.method)
        for route in routes(used_api.rest)
        for endpoint in route.endpoints
    }
    described = {
        (path, method.upper()) for path, item in document()["paths"].items() for method in item
    }
    assert described == there


def test_every_described_parameter_is_understood_and_no_other(used_api: ApiWorld) -> None:
    plan = used_api.plan()["uuid"]
    idents = {
        "goals": "dummy",
        "strategies": "dummy",
        "scoring_engines": "dummy_scorer",
        "services": "1",
        "audit_templates": used_api.template()["uuid"],
        "audits": used_api.audit()["uuid"],
        "action_plans": plan,
        "actions": used_api.actions(plan)[0]["uuid"],
        "runs": used_api.run(),
        "servers": "web",
        "hosts": "cmp-1",
    }
    used_api.worker()
    used_api.model.rows = []
    collect(used_api, ClusterModel.open(context(), "default", "compute"))
    values = {
        "limit": "1",
        "after": "0",
        "host": "cmp-1",
        "at": str(used_api.log.end()),
        "type": "audit.requested",
    }
    understood = refused = 0
    for path, item in document()["paths"].items():
        if "get" not in item or path.endswith("/start"):
            continue
        collection = path.split("/")[2] if path.count("/") > 1 else ""
        asked = path.replace("{ident}", idents.get(collection, ""))
        for one in item["get"].get("parameters", []):
            if one.get("in") == "query" and one["name"] != "marker":
                schema = one["schema"]
                value = values.get(one["name"]) or schema.get("enum", ["dummy"])[0]
                value = plan if "'format': 'uuid'" in str(schema) else value
                value = "2026-01-01" if schema.get("format") == "date-time" else value
                if one["name"] == "audit_uuid":
                    value = idents["audits"]
                answer = used_api.ask("GET", f"{asked}?{one['name']}={value}")
                assert answer.status_code == 200, (path, one["name"], answer.text)
                understood += 1
        if path.startswith("/v1"):
            assert used_api.ask("GET", f"{asked}?bogus=1").status_code == 400
            refused += 1
    assert understood > 50
    assert refused > 20


def test_an_answer_that_is_not_described_is_noticed(used_api: ApiWorld) -> None:
    """The control of the comparison that all tests of the API run through."""
    result = used_api.ask("GET", "/v1/goals")
    with pytest.raises(Undescribed, match="POST /v1/audits 200"):
        check("POST", "/v1/audits", result)
    with pytest.raises(Undescribed, match="audits"):
        check("GET", "/v1/audits", result)


def test_two_types_cannot_have_one_name() -> None:
    """The health of the overview replaced that of the health check, which then had no ``part``."""
    with pytest.raises(ValueError, match="two types have the same name"):
        short_names({"Health", "HealthDocument"})
