"""List parameters and pages (docs/api.md, "Lists")."""

import sys
import threading
from typing import Any
from uuid import uuid4

import pytest

from interfaces.rest.services import RestSettings
from tests.world.api import ApiWorld, refused

UNKNOWN = "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072"
LISTS = {
    "goals": ["id", "uuid", "name", "display_name", "efficacy_specification"],
    "strategies": [
        *("id", "uuid", "name", "display_name", "goal_id", "parameters_spec"),
        *("goal_uuid", "goal_name"),
    ],
    "audit_templates": [
        *("id", "uuid", "name", "description", "scope", "default_parameters", "goal_id"),
        *("strategy_id", "goal_uuid", "goal_name", "strategy_uuid", "strategy_name"),
    ],
    "audits": [
        *("id", "uuid", "name", "audit_type", "state", "parameters", "interval", "scope"),
        *("goal_id", "strategy_id", "auto_trigger", "next_run_time", "hostname", "start_time"),
        *("end_time", "force", "status_message"),
        *("goal_uuid", "goal_name", "strategy_uuid", "strategy_name"),
    ],
    "action_plans": [
        *("id", "uuid", "audit_id", "strategy_id", "state", "global_efficacy", "hostname"),
        *("status_message", "audit_uuid", "strategy_uuid", "strategy_name"),
    ],
    "actions": [
        *("id", "uuid", "action_plan_id", "action_type", "input_parameters", "state"),
        *("parents", "status_message", "action_plan_uuid"),
    ],
    "services": ["id", "name", "host", "last_seen_up"],
    "scoring_engines": ["id", "uuid", "name", "description", "metainfo"],
}
STAMPS = ["created_at", "updated_at", "deleted_at"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ApiWorld(tmp_path_factory.mktemp("full")) as api:
        api.audit(strategy="dummy")
        api.audit(audit_type="CONTINUOUS", interval="60", goal="dummy")
        api.template(strategy="dummy")
        api.template()
        api.plan()
        api.plan(state="SUCCEEDED")
        api.worker()
        api.worker("watcher-applier")
        yield api


@pytest.mark.parametrize(
    ("collection", "key"),
    [(name, key) for name, keys in LISTS.items() for key in [*keys, *STAMPS]],
)
def test_every_sort_key_sorts_both_ways(full: ApiWorld, collection: str, key: str) -> None:
    up = full.get(f"/v1/{collection}?sort_key={key}")[collection]
    down = full.get(f"/v1/{collection}?sort_key={key}&sort_dir=desc")[collection]
    ident = "id" if collection == "services" else "uuid"
    assert len(up) >= 2
    assert [one[ident] for one in down] == [one[ident] for one in reversed(up)]


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        *((name, "") for name in LISTS),
        *((name, "bogus") for name in LISTS),
        *((name, "links") for name in LISTS),
        *(("audits", key) for key in ("goal", "strategy", "links; drop table", "version")),
        *(("action_plans", key) for key in ("audit", "strategy", "efficacy_indicators", "record")),
        *(("actions", key) for key in ("action_plan", "description", "because")),
        ("services", "status"),
        ("services", "uuid"),
    ],
)
def test_nothing_else_is_a_sort_key(full: ApiWorld, collection: str, key: str) -> None:
    result = full.ask("GET", f"/v1/{collection}?sort_key={key}")
    assert "sort key" in refused(result, 400)


@pytest.mark.parametrize("collection", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        *("foo=1", "name=x", "state=ONGOING", "audit_template=x", "at=1", "limit=1&limit=2"),
        *("limit=", "limit=x", "limit=0", "limit=-1", "limit=1.5", "sort_dir=ASC", "sort_dir="),
        "marker=%00",
    ],
)
def test_a_parameter_that_is_not_understood_is_refused(
    full: ApiWorld, collection: str, query: str
) -> None:
    for path in (collection, f"{collection}/detail"):
        refused(full.ask("GET", f"/v1/{path}?{query}"), 400)


@pytest.mark.parametrize("collection", LISTS)
def test_a_marker_must_name_a_row(full: ApiWorld, collection: str) -> None:
    lenient = collection in {"goals", "strategies", "scoring_engines"}
    refused(full.ask("GET", f"/v1/{collection}?marker=bogus"), 404 if lenient else 400)
    unknown = "12345" if collection == "services" else UNKNOWN
    refused(full.ask("GET", f"/v1/{collection}?marker={unknown}"), 404)


@pytest.mark.parametrize(
    ("collection", "name"),
    [("action_plans", "audit_uuid"), ("actions", "audit_uuid"), ("actions", "action_plan_uuid")],
)
def test_a_filter_that_takes_a_uuid_takes_nothing_else(
    full: ApiWorld, collection: str, name: str
) -> None:
    refused(full.ask("GET", f"/v1/{collection}?{name}=bogus"), 400)
    assert full.get(f"/v1/{collection}?{name}={UNKNOWN}") == {collection: []}


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("strategies", "goal"),
        ("audit_templates", "goal"),
        ("audit_templates", "strategy"),
        ("audits", "goal"),
        ("audits", "strategy"),
        ("action_plans", "strategy"),
    ],
)
def test_a_filter_matches_by_name_or_uuid_or_nothing(
    full: ApiWorld, collection: str, name: str
) -> None:
    everything = full.get(f"/v1/{collection}")
    assert full.get(f"/v1/{collection}?{name}=") == everything
    assert full.get(f"/v1/{collection}?{name}=bogus") == {collection: []}
    assert full.get(f"/v1/{collection}?{name}={UNKNOWN}") == {collection: []}
    row = next(one for one in everything[collection] if one[f"{name}_name"])
    by_name = full.get(f"/v1/{collection}?{name}={row[f'{name}_name']}")
    assert row in by_name[collection]
    assert full.get(f"/v1/{collection}?{name}={row[f'{name}_uuid']}") == by_name
    assert {one[f"{name}_name"] for one in by_name[collection]} == {row[f"{name}_name"]}


def test_actions_are_filtered_by_plan_or_by_audit_but_not_both(full: ApiWorld) -> None:
    plan = full.get("/v1/action_plans")["action_plans"][0]
    by_plan = full.get(f"/v1/actions?action_plan_uuid={plan['uuid']}")
    assert len(by_plan["actions"]) == 2
    assert full.get(f"/v1/actions?audit_uuid={plan['audit_uuid']}") == by_plan
    both = f"action_plan_uuid={plan['uuid']}&audit_uuid={plan['audit_uuid']}"
    refused(full.ask("GET", f"/v1/actions?{both}"), 400)


def _followed(api: ApiWorld, path: str) -> list[Any]:
    rows: list[Any] = []
    for _ in range(100):
        page = api.get(path)
        [collection] = set(page) - {"next"}
        rows += page[collection]
        if "next" not in page:
            return rows
        host, _, path = page["next"].partition("falconframework.org")
        assert host == "http://"
        assert path.startswith("/v1/")
        assert str(page[collection][-1]["uuid"]) in path
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("sort", ["id", "name", "strategy_name", "next_run_time"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("detail", ["", "/detail"])
def test_pages_add_up_to_the_list(api: ApiWorld, sort: str, direction: str, detail: str) -> None:
    for number in range(7):
        api.audit(strategy="dummy" if number % 2 else None)
    query = f"sort_key={sort}&sort_dir={direction}"
    whole = api.get(f"/v1/audits{detail}?{query}")["audits"]
    for limit in (1, 3, 7, 8):
        assert _followed(api, f"/v1/audits{detail}?{query}&limit={limit}") == whole


def test_next_keeps_the_filters(api: ApiWorld) -> None:
    for goal in ("dummy", "unclassified") * 3:
        api.audit(goal=goal)
    page = api.get("/v1/audits?goal=dummy&limit=2")
    assert "goal=dummy" in page["next"]
    found = _followed(api, "/v1/audits?goal=dummy&limit=2")
    assert [one["goal_name"] for one in found] == ["dummy"] * 3


def test_there_is_no_next_behind_an_empty_page(api: ApiWorld) -> None:
    assert api.get("/v1/audits") == {"audits": []}
    api.audit()
    page = api.get("/v1/audits?limit=1")
    assert api.get(page["next"].partition("falconframework.org")[2]) == {"audits": []}


def test_the_longest_page_ends_at_the_servers_limit(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Who asks for as many as there can be (``sys.maxsize``) was told that this is no integer."""
    with ApiWorld(tmp_path_factory.mktemp("short"), RestSettings(max_limit=2)) as api:
        for query in ("", "?limit=100", f"?limit={sys.maxsize}", "?limit=" + "9" * 4000):
            page = api.get(f"/v1/goals{query}")
            assert len(page["goals"]) == 2
            assert "limit=2&" in page["next"]
        assert len(_followed(api, "/v1/goals")) == 3


def test_a_list_read_page_by_page_has_no_double_and_no_gap_while_others_are_added(
    api: ApiWorld,
) -> None:
    before = [api.audit()["uuid"] for _ in range(30)]
    stop = threading.Event()

    def add() -> None:
        while not stop.is_set():
            api.audit(name=f"late {uuid4()}")

    adding = threading.Thread(target=add)
    adding.start()
    try:
        seen = [one["uuid"] for one in _followed(api, "/v1/audits?limit=7")]
    finally:
        stop.set()
        adding.join(30)
    assert len(seen) == len(set(seen))
    assert seen[: len(before)] == before
