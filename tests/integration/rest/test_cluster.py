"""The hosts and servers of the cloud: now, at a past moment, and after a plan."""

from typing import Any
from uuid import UUID

import pytest

from domain.cluster_models import ClusterModel
from domain.kernel.metadata import Context
from domain.plans import ActionPlan
from tests.given import context
from tests.world.api import ApiWorld, refused
from tests.world.collected import collect


@pytest.fixture
def model() -> ClusterModel:
    return ClusterModel.open(context(), "default", "compute")


def by_name(rows: list[Any]) -> dict[str, Any]:
    return {one["name"]: one for one in rows}


def test_hosts_show_what_is_allocated_on_them(api: ApiWorld, model: ClusterModel) -> None:
    collect(api, model)
    found = api.get("/v1/hosts")
    assert found["model"]["cloud"] == "default"
    assert found["model"]["age"] >= 5
    hosts = by_name(found["hosts"])
    servers = api.get("/v1/servers?host=CMP-1")["servers"]
    assert list(hosts) == ["cmp-1", "cmp-2"]
    assert [hosts[one]["servers"] for one in hosts] == [3, 0]
    for resource in ("vcpus", "memory_mb", "disk_gb"):
        amount = hosts["cmp-1"][resource]
        assert amount["used"] == sum(one[resource] for one in servers)
        assert amount["capacity"] == amount["total"] * amount["ratio"]
        assert hosts["cmp-2"][resource]["used"] == 0
    assert hosts["cmp-1"]["after"] is None
    assert [one["name"] for one in api.get("/v1/hosts?zone=east")["hosts"]] == ["cmp-2"]


def test_a_host_has_its_servers_and_a_server_its_host(api: ApiWorld, model: ClusterModel) -> None:
    collect(api, model, web="cmp-2")
    one = api.get("/v1/hosts/CMP-2")
    assert [each["name"] for each in one["server_list"]] == ["web"]
    assert one["servers"] == 1
    assert api.get("/v1/servers/WEB")["host"] == "cmp-2"
    assert refused(api.ask("GET", "/v1/hosts/cmp-9"), 404)
    assert refused(api.ask("GET", "/v1/servers/cmp-9"), 404)


@pytest.mark.parametrize("path", ["/v1/hosts", "/v1/hosts/cmp-1", "/v1/servers", "/v1/servers/web"])
def test_before_the_first_collection_there_is_nothing_to_show(api: ApiWorld, path: str) -> None:
    """The answer was 500, as if the API had failed."""
    assert "has been collected yet" in refused(api.ask("GET", path), 404)


def test_the_beginning_of_a_uuid_names_a_server_if_no_other_has_it(
    api: ApiWorld, model: ClusterModel
) -> None:
    collect(api, model)
    assert api.get("/v1/servers/w")["uuid"] == "web"
    assert "2 servers match server-" in refused(api.ask("GET", "/v1/servers/server-"), 400)


def test_a_plan_shows_what_it_would_leave(api: ApiWorld, model: ClusterModel) -> None:
    collect(api, model)
    plan = api.plan(actions=2)["uuid"]
    hosts = by_name(api.get(f"/v1/hosts?plan={plan}")["hosts"])
    assert [hosts[one]["after"]["servers"] for one in hosts] == [1, 2]
    assert hosts["cmp-1"]["servers"] == 3
    used = hosts["cmp-1"]["vcpus"]["used"]
    assert sum(one["after"]["vcpus"] for one in hosts.values()) == used
    servers = by_name(api.get(f"/v1/servers?plan={plan}")["servers"])
    assert {name: one["after_host"] for name, one in servers.items()} == {
        "server-0": "cmp-2",
        "server-1": "cmp-2",
        "web": None,
    }
    assert api.get(f"/v1/servers/server-0?plan={plan}")["after_host"] == "cmp-2"
    assert api.get(f"/v1/hosts/cmp-2?plan={plan}")["after"]["servers"] == 2
    assert refused(api.ask("GET", f"/v1/hosts?plan={UUID(int=9)}"), 404)


def test_an_action_that_failed_moves_nothing(api: ApiWorld, model: ClusterModel) -> None:
    collect(api, model)
    plan = api.plan(actions=2)["uuid"]
    assert len([one for one in _moved(api, plan) if one]) == 2

    def skip(found: ActionPlan, ctx: Context) -> None:
        found.skip_by_user(ctx, next(iter(found.actions)), None)

    api.change(ActionPlan, UUID(plan), skip)
    assert len([one for one in _moved(api, plan) if one]) == 1


def _moved(api: ApiWorld, plan: str) -> list[str | None]:
    return [one["after_host"] for one in api.get(f"/v1/servers?plan={plan}")["servers"]]


def test_the_past_has_what_was_collected_and_what_was_executed_since(
    api: ApiWorld, model: ClusterModel
) -> None:
    first = collect(api, model)
    plan = api.plan(actions=1, state="SUCCEEDED")["uuid"]
    moved = api.log.end()
    collect(api, model, server_0="cmp-2", web="cmp-2")
    for at, places in (
        (first, ["cmp-1", "cmp-1", "cmp-1"]),
        (moved, ["cmp-2", "cmp-1", "cmp-1"]),
        (api.log.end(), ["cmp-2", "cmp-1", "cmp-2"]),
    ):
        found = api.get(f"/v1/servers?at={at}")
        assert [one["host"] for one in found["servers"]] == places, (at, plan)
        assert found["model"]["age"] is None
    assert api.get(f"/v1/hosts/cmp-2?at={moved}")["servers"] == 1
    assert refused(api.ask("GET", f"/v1/hosts?at={first - 1}"), 404)
    assert refused(api.ask("GET", "/v1/hosts?at=2999-01-01T00:00:00"), 404)


def test_pages_follow_their_marker(api: ApiWorld, model: ClusterModel) -> None:
    collect(api, model)
    first = api.get("/v1/servers?limit=2")
    assert first["next"] == "server-1"
    second = api.get(f"/v1/servers?limit=2&marker={first['next']}")
    assert [one["uuid"] for one in second["servers"]] == ["web"]
    assert second["next"] is None
    assert refused(api.ask("GET", "/v1/servers?marker=nobody"), 404)
    assert refused(api.ask("GET", "/v1/servers?limit=0"), 400)
