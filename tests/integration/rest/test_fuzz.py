"""Whatever is sent, the answer is a documented one and never a failure."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from tests.world.api import ApiWorld, fault

DOCUMENTED = {200, 201, 202, 204, 400, 403, 404, 405, 406, 409, 413, 415, 422}
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=80),
    st.sampled_from(["dummy", "basic", "ONESHOT", "CONTINUOUS", "EVENT", "60", "2026-12-01", ""]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        *("audit_type", "goal", "strategy", "name", "parameters", "interval", "auto_trigger"),
        *("force", "start_time", "end_time", "audit_template_uuid", "scope", "description"),
        *("default_parameters", "state"),
    ]
)
PATHS = st.lists(KEYS | st.text("abc-_09/~é", max_size=5), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "test"]), "path": PATHS},
    optional={"value": VALUES},
)
TEXTS = st.text(max_size=30) | st.sampled_from(["id", "asc", "desc", "name", "10", "dummy"])
LISTS = (
    *("goals", "strategies", "audit_templates", "audits", "action_plans", "actions"),
    *("services", "scoring_engines", "events", "data_model"),
)
PARAMETERS = (
    *("limit", "marker", "sort_key", "sort_dir", "goal", "strategy", "audit_uuid"),
    *("action_plan_uuid", "after", "type", "correlation_id", "data_model_type", "x"),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with ApiWorld(tmp_path_factory.mktemp("fuzz")) as opened:
        opened.model.rows = []
        opened.worker()
        yield opened


def check(result: Any) -> None:
    assert result.status_code in DOCUMENTED, (result.status_code, result.text)
    if result.status_code >= 400:
        fault(result)


@FUZZ
@given(
    base=st.sampled_from(
        [
            {"audit_type": "ONESHOT", "goal": "dummy", "strategy": "dummy"},
            {"audit_type": "CONTINUOUS", "goal": "dummy", "interval": "60"},
            {},
        ]
    ),
    change=st.dictionaries(KEYS, VALUES, max_size=3),
    version=st.sampled_from(["1.0", "1.7"]),
)
def test_creations_are_answered(
    api: ApiWorld, base: dict[str, Any], change: dict[str, Any], version: str
) -> None:
    check(api.ask("POST", "/v1/audits", {**base, **change}, version=version))
    template = {"name": "fuzz", "goal": "dummy", **base, **change}
    for key in ("audit_type", "interval"):
        template.pop(key, None)
    check(api.ask("POST", "/v1/audit_templates", template, version=version))


@settings(FUZZ, max_examples=40)
@given(patch=st.lists(OPERATIONS, max_size=3) | VALUES)
def test_changes_are_answered(api: ApiWorld, patch: Any) -> None:
    plan = api.plan(actions=1)["uuid"]
    for path in (
        f"/v1/audits/{api.audit(strategy='dummy')['uuid']}",
        f"/v1/audit_templates/{api.template(strategy='dummy')['uuid']}",
        f"/v1/actions/{api.actions(plan)[0]['uuid']}",
        f"/v1/action_plans/{plan}",
    ):
        check(api.ask("PATCH", path, patch))


@FUZZ
@given(
    collection=st.sampled_from(LISTS),
    parameters=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=3),
)
def test_lists_are_answered(api: ApiWorld, collection: str, parameters: dict[str, str]) -> None:
    query = "&".join(f"{key}={quote(value)}" for key, value in parameters.items())
    check(api.ask("GET", f"/v1/{collection}?{query}"))


@FUZZ
@given(
    collection=st.sampled_from([*LISTS, "webhooks"]),
    ident=st.text(min_size=1, max_size=40),
    method=st.sampled_from(["GET", "PATCH", "DELETE", "POST"]),
    version=st.text("infra-optim 1.234567890,latest", max_size=25),
)
def test_identifiers_and_versions_are_answered(
    api: ApiWorld, collection: str, ident: str, method: str, version: str
) -> None:
    headers = {"OpenStack-API-Version": f"infra-optim {version}"}
    path = f"/v1/{collection}/{quote(ident)}"
    check(api.ask(method, path, [], version=None, headers=headers))


@FUZZ
@given(body=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_bodies_are_answered(api: ApiWorld, body: bytes) -> None:
    for path in ("/v1/audits", "/v1/audit_templates", "/v1/webhooks/x"):
        check(api.ask("POST", path, raw=body, headers={"Idempotency-Key": "k"}))


@pytest.mark.parametrize("detail", ["", "/detail"])
@pytest.mark.parametrize("collection", LISTS[:6])
def test_a_page_is_one_statement(
    tmp_path_factory: pytest.TempPathFactory, collection: str, detail: str
) -> None:
    with ApiWorld(tmp_path_factory.mktemp("counted")) as api:
        for _ in range(3):
            api.template(strategy="dummy")
            api.plan()
        first = api.get(f"/v1/{collection}{detail}?limit=1")
        statements: list[str] = []

        def count(*arguments: Any) -> None:
            statements.append(arguments[2])

        event.listen(api.reads._engine, "before_cursor_execute", count)
        marker = first[collection][0]["uuid"]
        for query in ("", f"?limit=1&marker={marker}&sort_key=name", "?sort_key=created_at"):
            if collection in {"action_plans", "actions"}:
                query = query.replace("sort_key=name", "sort_key=state")  # noqa: PLW2901
            statements.clear()
            api.get(f"/v1/{collection}{detail}{query}")
            assert len(statements) == 1, statements
        event.remove(api.reads._engine, "before_cursor_execute", count)
