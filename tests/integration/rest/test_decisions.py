"""What was decided about a server or a host, found by any of its names."""

from typing import Any

from tests.world.api import ApiWorld


def decided(api: ApiWorld, path: str) -> list[Any]:
    found: list[Any] = api.get(f"/v1/{path}/decisions")["decisions"]
    return found


def test_a_server_has_the_decisions_of_all_plans_newest_first(api: ApiWorld) -> None:
    old, new = (api.plan(state=state)["uuid"] for state in ("SUCCEEDED", "RECOMMENDED"))
    found = decided(api, "servers/SERVER-1")
    assert [one["action_plan_uuid"] for one in found] == [new, old]
    (action,) = found[1]["actions"]
    assert action["input_parameters"]["resource_id"] == "server-1"
    assert (action["state"], found[1]["state"]) == ("SUCCEEDED", "SUCCEEDED")
    assert "server-1" in action["because"]
    assert action["started_at"] <= action["ended_at"]
    assert decided(api, "servers/server-2") == []


def test_a_host_has_the_moves_from_it_and_to_it_and_a_server_has_no_hosts(api: ApiWorld) -> None:
    api.plan(actions=3)
    for host in ("cmp-1", "cmp-2"):
        (found,) = decided(api, f"hosts/{host}")
        assert len(found["actions"]) == 3
    assert decided(api, "servers/cmp-1") == []


def test_a_rejected_alternative_is_found_by_its_subject_and_by_the_host_of_its_reason(
    api: ApiWorld,
) -> None:
    plan = api.plan()["uuid"]
    for path in ("servers/server-9", "hosts/cmp-3"):
        (found,) = decided(api, path)
        assert found["actions"] == []
        (one,) = found["rejections"]
        assert one["subject"] == "server server-9"
        assert one["because"]["facts"]["host"] == "cmp-3"
        assert found["action_plan_uuid"] == plan


def test_the_number_of_actions_is_limited_to_the_newest(api: ApiWorld) -> None:
    plans = [api.plan()["uuid"] for _ in range(3)]
    found = api.get("/v1/servers/server-0/decisions?limit=2")["decisions"]
    assert [one["action_plan_uuid"] for one in found] == plans[:0:-1]
    assert api.ask("GET", "/v1/servers/server-0/decisions?limit=0").status_code == 400


def test_an_explanation_is_narrowed_to_a_server_and_a_host(api: ApiWorld) -> None:
    path = f"/v1/action_plans/{api.plan()['uuid']}/explanation"
    whole = api.get(path)
    one = api.get(f"{path}?server=server-1&host=cmp-2")
    assert one["moves"] == whole["moves"][1:]
    assert one["rejections"] == []
    assert len(api.get(f"{path}?host=cmp-1")["moves"]) == len(whole["moves"])
    assert api.get(f"{path}?server=server-9")["rejections"] == whole["rejections"]
    assert api.get(f"{path}?server=server-9")["moves"] == []
