"""Cold migration and resize: two hosts are booked until somebody confirms or reverts."""

import pytest

from tests.integration.simulator.clients import IDS, Client, until

SERVER = IDS["free-1"]


def _verify(cloud: Client, action: dict[str, object]) -> tuple[str, str]:
    before = cloud.host_of(SERVER)
    assert cloud.act(SERVER, action).status_code == 202
    return before, cloud.settled(SERVER, "VERIFY_RESIZE")["OS-EXT-SRV-ATTR:host"]


def test_a_confirmed_migration_frees_the_source(cloud: Client) -> None:
    before, after = _verify(cloud, {"migrate": {"host": None}})
    assert after != before
    migration = cloud.migrations(SERVER)[0]
    assert (migration["status"], migration["migration_type"]) == ("finished", "migration")
    held = cloud.get(f"/placement/allocations/{migration['uuid']}")["allocations"]
    assert list(held) == [cloud.provider(before)]
    assert cloud.act(SERVER, {"confirmResize": None}).status_code == 204
    cloud.settled(SERVER)
    assert cloud.host_of(SERVER) == after
    assert cloud.migrations(SERVER)[0]["status"] == "confirmed"
    assert cloud.get(f"/placement/allocations/{migration['uuid']}")["allocations"] == {}


def test_a_reverted_migration_brings_the_server_back(cloud: Client) -> None:
    target = "a3" if cloud.host_of(SERVER) != "a3" else "a2"
    before, after = _verify(cloud, {"migrate": {"host": target}})
    assert after == target
    cloud.sdk.compute.revert_server_resize(SERVER)
    assert cloud.settled(SERVER)["OS-EXT-SRV-ATTR:host"] == before
    assert cloud.migrations(SERVER)[0]["status"] == "reverted"


def test_a_resize_changes_the_flavor_and_its_revert_changes_it_back(cloud: Client) -> None:
    flavor = cloud.server(SERVER)["flavor"]["original_name"]
    _verify(cloud, {"resize": {"flavorRef": "wider"}})
    assert cloud.server(SERVER)["flavor"]["vcpus"] == 2
    held = cloud.get(f"/placement/allocations/{SERVER}")["allocations"]
    assert next(iter(held.values()))["resources"]["MEMORY_MB"] == 4096
    cloud.act(SERVER, {"revertResize": None})
    assert cloud.settled(SERVER)["flavor"]["original_name"] == flavor


def test_a_stopped_server_is_still_stopped_after_its_migration(cloud: Client) -> None:
    server = IDS["asleep"]
    cloud.act(server, {"migrate": None})
    cloud.settled(server, "VERIFY_RESIZE")
    cloud.act(server, {"confirmResize": None})
    assert cloud.settled(server, "SHUTOFF")["OS-EXT-STS:power_state"] == 4


@pytest.mark.parametrize("action", ["confirmResize", "revertResize"])
def test_there_is_nothing_to_settle_on_a_server_at_rest(cloud: Client, action: str) -> None:
    assert cloud.act(IDS["free-2"], {action: None}).status_code == 409


def test_a_cold_migration_without_a_fitting_host_ends_in_error(cloud: Client) -> None:
    """Unlike a live migration at 2.30, it is accepted first."""
    server = IDS["pinned"]
    answer = cloud.act(server, {"migrate": None})
    assert answer.status_code == 202
    cloud.settled(server)
    newest = until(
        lambda: [m for m in cloud.migrations(server) if m["status"] == "error"], "it failed"
    )[0]
    assert newest["dest_compute"] is None
    request = answer.headers["x-openstack-request-id"]
    assert cloud.action(server, request)["message"] == "Error"


def test_a_cold_migration_to_the_servers_own_host_is_refused(cloud: Client) -> None:
    own = cloud.host_of(IDS["free-2"])
    assert cloud.act(IDS["free-2"], {"migrate": {"host": own}}).status_code == 400
