"""Short operations on servers: stop, start, pause, shelve, lock, delete."""

from collections.abc import Iterator

import pytest

from infrastructure.simulator import Simulator
from tests.integration.simulator.clients import IDS, Client, until


def _load(simulator: Simulator, server: str) -> str | None:
    return simulator.cloud.world.timeline.host_of(server)


@pytest.mark.parametrize(
    ("there", "status", "back"),
    [("os-stop", "SHUTOFF", "os-start"), ("pause", "PAUSED", "unpause")],
)
def test_a_server_rests_and_wakes_and_uses_nothing_meanwhile(
    cloud: Client, simulator: Simulator, there: str, status: str, back: str
) -> None:
    server = IDS["free-1"]
    assert cloud.act(server, {there: None}).status_code == 202
    cloud.settled(server, status)
    assert _load(simulator, server) is None
    assert cloud.act(server, {there: None}).status_code == 409
    assert cloud.act(server, {back: None}).status_code == 202
    cloud.settled(server)
    assert _load(simulator, server) == cloud.host_of(server)


def test_a_shelved_server_frees_its_host_and_comes_back_where_it_fits(cloud: Client) -> None:
    server = IDS["free-2"]
    host = cloud.host_of(server)
    before = cloud.taken(host)["MEMORY_MB"]
    cloud.sdk.compute.shelve_server(server)
    shelved = cloud.settled(server, "SHELVED_OFFLOADED")
    assert shelved["OS-EXT-SRV-ATTR:host"] is None
    assert cloud.taken(host)["MEMORY_MB"] == before - 2048
    assert cloud.get(f"/placement/allocations/{server}")["allocations"] == {}
    cloud.sdk.compute.unshelve_server(server)
    back = cloud.settled(server)["OS-EXT-SRV-ATTR:host"]
    held = cloud.get(f"/placement/allocations/{server}")["allocations"]
    assert list(held) == [cloud.provider(back)]


@pytest.fixture
def lonely(simulator: Simulator, cloud: Client) -> Iterator[str]:
    """A server for which there is no host but its own."""
    yield IDS["pinned"]
    cloud.ask("PUT", "/vigil/hosts/b1", body={"alive": True})


def test_a_shelved_server_that_fits_nowhere_stays_shelved(cloud: Client, lonely: str) -> None:
    cloud.act(lonely, {"shelve": None})
    cloud.settled(lonely, "SHELVED_OFFLOADED")
    cloud.ask("PUT", "/vigil/hosts/b1", body={"alive": False})
    answer = cloud.act(lonely, {"unshelve": None})
    cloud.settled(lonely, "SHELVED_OFFLOADED")
    request = answer.headers["x-openstack-request-id"]
    until(lambda: cloud.action(lonely, request)["message"] == "Error", "it is told")
    cloud.ask("PUT", "/vigil/hosts/b1", body={"alive": True})
    cloud.act(lonely, {"unshelve": None})
    assert cloud.settled(lonely)["OS-EXT-SRV-ATTR:host"] == "b1"


def test_a_lock_shows_its_reason_and_binds_members_only(cloud: Client) -> None:
    server = IDS["kept"]
    shown = cloud.server(server)
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    assert cloud.act(server, {"unlock": None}).status_code == 202
    assert cloud.server(server)["locked"] is False
    assert cloud.act(server, {"lock": {"locked_reason": "again"}}).status_code == 202
    assert cloud.server(server)["locked_reason"] == "again"
    assert cloud.live(server).status_code == 202
    cloud.settled(server)


def test_a_deleted_server_is_gone_but_its_history_is_not(cloud: Client) -> None:
    server = IDS["free-3"]
    host = cloud.host_of(server)
    before = cloud.taken(host)["MEMORY_MB"]
    assert cloud.ask("DELETE", f"/compute/v2.1/servers/{server}").status_code == 204
    path = f"/compute/v2.1/servers/{server}"
    until(lambda: cloud.ask("GET", path).status_code == 404, "it is gone")
    assert cloud.taken(host)["MEMORY_MB"] == before - 2048
    every = cloud.get("/compute/v2.1/servers?all_tenants=1")["servers"]
    assert server not in [s["id"] for s in every]
    actions = cloud.get(f"{path}/os-instance-actions")["instanceActions"]
    assert [a["action"] for a in actions] == ["delete", "create"]
