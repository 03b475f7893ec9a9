"""Services that are disabled, forced down or dead, and what the scheduler makes of them."""

from collections.abc import Iterator

import pytest

from tests.integration.simulator.clients import HOST_IDS, IDS, Client

SERVER = IDS["free-1"]


def _service(cloud: Client, host: str) -> str:
    found = cloud.get(f"/compute/v2.1/os-services?binary=nova-compute&host={host}")["services"]
    assert len(found) == 1
    return str(found[0]["id"])


def _set(cloud: Client, host: str, **change: object) -> dict[str, object]:
    path = f"/compute/v2.1/os-services/{_service(cloud, host)}"
    answer = cloud.ask("PUT", path, body=change)
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = answer.json()["service"]
    return shown


@pytest.fixture(autouse=True)
def _whole_again(cloud: Client) -> Iterator[None]:
    """Every host is enabled, up and alive after a test."""
    yield
    for host in HOST_IDS:
        _set(cloud, host, status="enabled", forced_down=False)
        cloud.ask("PUT", f"/vigil/hosts/{host}", body={"alive": True})


def _traits(cloud: Client, host: str) -> list[str]:
    path = f"/placement/resource_providers/{cloud.provider(host)}/traits"
    traits: list[str] = cloud.get(path)["traits"]
    return traits


def test_a_disabled_host_gets_nothing_and_says_why(cloud: Client) -> None:
    shown = _set(cloud, "a3", status="disabled", disabled_reason="rehearsal")
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "rehearsal")
    assert "COMPUTE_STATUS_DISABLED" in _traits(cloud, "a3")
    hypervisor = cloud.get(f"/compute/v2.1/os-hypervisors/{HOST_IDS['a3']}")["hypervisor"]
    assert hypervisor["status"] == "disabled"
    assert hypervisor["service"]["disabled_reason"] == "rehearsal"
    if cloud.host_of(SERVER) != "a3":
        assert cloud.live(SERVER, "a3").status_code == 400
    _set(cloud, "a3", status="enabled")
    assert "COMPUTE_STATUS_DISABLED" not in _traits(cloud, "a3")


def test_openstacksdk_disables_and_enables_a_service(cloud: Client) -> None:
    service = _service(cloud, "a2")
    cloud.sdk.compute.disable_service(service, disabled_reason="sdk")
    services = list(cloud.sdk.compute.services(binary="nova-compute", host="a2"))
    assert (services[0].status, services[0].disabled_reason) == ("disabled", "sdk")
    cloud.sdk.compute.enable_service(service)
    assert next(iter(cloud.sdk.compute.services(host="a2"))).status == "enabled"


def test_until_2_52_a_service_is_named_by_its_host(cloud: Client) -> None:
    path = "/compute/v2.1/os-services"
    body = {"host": "a2", "binary": "nova-compute", "disabled_reason": "old"}
    answer = cloud.ask("PUT", f"{path}/disable-log-reason", "2.52", body)
    assert answer.json()["service"]["disabled_reason"] == "old"
    assert cloud.get(f"{path}?host=a2", "2.52")["services"][0]["status"] == "disabled"
    missing = cloud.ask("PUT", f"{path}/enable", "2.52", body | {"host": "nowhere"})
    assert missing.status_code == 404


def test_a_dead_host_is_down_and_neither_source_nor_destination(cloud: Client) -> None:
    source = cloud.host_of(SERVER)
    target = "a2" if source != "a2" else "a3"
    for host in (source, target):
        answer = cloud.ask("PUT", f"/vigil/hosts/{host}", body={"alive": False})
        assert answer.status_code == 200
    states = {s["host"]: s["state"] for s in cloud.get("/compute/v2.1/os-services")["services"]}
    assert (states[source], states[target], states["tiny"]) == ("down", "down", "up")
    refused = cloud.live(SERVER)
    assert refused.status_code == 400
    assert f"Compute service of {source} is unavailable" in refused.text
    cloud.ask("PUT", f"/vigil/hosts/{source}", body={"alive": True})
    assert cloud.live(SERVER, target).status_code == 400


def test_a_host_that_is_forced_down_is_down(cloud: Client) -> None:
    assert _set(cloud, "b1", forced_down=True)["state"] == "down"
    assert _set(cloud, "b1", forced_down=False)["state"] == "up"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": "off"},
        {"status": "enabled", "disabled_reason": "x"},
        {"forced_down": "maybe"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_senseless_changes_are_refused_and_change_nothing(
    cloud: Client, change: dict[str, object]
) -> None:
    path = f"/compute/v2.1/os-services/{_service(cloud, 'a2')}"
    before = len(cloud.journal())
    assert cloud.ask("PUT", path, body=change).status_code == 400
    assert len(cloud.journal()) == before


def test_an_unknown_service_is_not_found(cloud: Client) -> None:
    path = "/compute/v2.1/os-services/00000000-0000-4000-8000-ffffffffffff"
    assert cloud.ask("PUT", path, body={"status": "enabled"}).status_code == 404


def test_hypervisors_can_be_searched_and_show_their_servers(cloud: Client) -> None:
    path = "/compute/v2.1/os-hypervisors"
    found = cloud.get(f"{path}?hypervisor_hostname_pattern=tin&with_servers=true")["hypervisors"]
    assert [(h["hypervisor_hostname"], h["servers"]) for h in found] == [("tiny", [])]
    assert cloud.ask("GET", f"{path}?hypervisor_hostname_pattern=zz").status_code == 404
    detailed = {h.name: h for h in cloud.sdk.compute.hypervisors(details=True, with_servers=True)}
    assert IDS["pinned"] in [s["uuid"] for s in detailed["b1"].servers]
