"""Ironic: the machines below the compute hosts, in Ironic's own forms and versions."""

from typing import Any

import pytest
import requests

from tests.integration.simulator.clients import HOST_IDS, Client

NODES = "/baremetal/v1/nodes"
LEGACY = "X-OpenStack-Ironic-API-Version"
Json = dict[str, Any]


def ask(client: Client, path: str, version: str | None = "1.86") -> requests.Response:
    """A request in a microversion; None: without naming one."""
    headers = {} if version is None else {LEGACY: version}
    return client.ask("GET", path, headers=headers)


def get(client: Client, path: str, version: str | None = "1.86") -> Json:
    """A document."""
    answer = ask(client, path, version)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


def test_the_catalogue_leads_to_ironic(cloud: Client) -> None:
    url = cloud.sdk.session.get_endpoint(service_type="baremetal", interface="public")
    assert url == f"{cloud.base_url}/baremetal"
    found = cloud.sdk.baremetal.get_endpoint_data()
    assert found is not None
    assert (found.min_microversion, found.max_microversion) == ((1, 1), (1, 86))


def test_the_versions_are_for_everyone_and_the_rest_is_not(cloud: Client) -> None:
    root = requests.get(f"{cloud.base_url}/baremetal", timeout=10).json()
    one = requests.get(f"{cloud.base_url}/baremetal/v1", timeout=10).json()
    assert root["default_version"] == root["versions"][0] == one["version"]
    assert requests.get(cloud.base_url + NODES, timeout=10).status_code == 401


def test_there_is_a_machine_below_every_host(cloud: Client) -> None:
    nodes = get(cloud, f"{NODES}/detail")["nodes"]
    below = {node["name"]: node["extra"]["compute_node_id"] for node in nodes}
    assert below == HOST_IDS
    assert all(node["maintenance"] is False for node in nodes)
    assert {node["power_state"] for node in nodes} == {"power on"}
    tiny = next(node for node in nodes if node["name"] == "tiny")
    assert (tiny["properties"]["cpus"], tiny["properties"]["memory_mb"]) == (2, 4096)


def test_openstacksdk_reads_all_of_it(cloud: Client) -> None:
    nodes = {node.name: node for node in cloud.sdk.baremetal.nodes(details=True)}
    assert nodes.keys() == HOST_IDS.keys()
    shown = cloud.sdk.baremetal.get_node("a1")
    assert shown.id == nodes["a1"].id
    assert (shown.is_maintenance, shown.power_state) == (False, "power on")
    assert (shown.provision_state, shown.is_retired) == ("active", False)


def test_a_brief_list_shows_little_and_fields_show_what_is_asked(cloud: Client) -> None:
    (brief, *_) = get(cloud, NODES)["nodes"]
    assert brief.keys() == {
        "uuid",
        "name",
        "instance_uuid",
        "maintenance",
        "power_state",
        "provision_state",
        "links",
    }
    (chosen, *_) = get(cloud, f"{NODES}?fields=uuid,extra")["nodes"]
    assert chosen.keys() == {"uuid", "extra", "links"}
    detail = get(cloud, f"{NODES}?detail=true")["nodes"]
    assert detail == get(cloud, f"{NODES}/detail")["nodes"]


@pytest.mark.parametrize(
    ("query", "version", "status"),
    [
        ("fields=nonsense", "1.86", 400),
        ("fields=uuid", "1.7", 406),
        ("fields=fault", "1.41", 406),
        ("detail=true", "1.42", 400),
        ("detail=true&fields=uuid", "1.86", 400),
        ("limit=0", "1.86", 400),
        ("limit=x", "1.86", 400),
        ("marker=nowhere", "1.86", 404),
        ("", "1.87", 406),
        ("", "2.1", 406),
        ("", "one", 400),
    ],
)
def test_senseless_queries_are_refused_in_ironics_words(
    cloud: Client, query: str, version: str, status: int
) -> None:
    answer = ask(cloud, f"{NODES}?{query}", version)
    assert answer.status_code == status
    error = answer.json()["error_message"]
    assert error["faultcode"] == "Client"
    assert error["faultstring"]


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        (None, {"uuid", "extra", "ports"}, {"name", "resource_class", "states"}),
        ("1.5", {"name"}, {"clean_step", "states"}),
        ("1.21", {"resource_class", "network_interface", "states"}, {"portgroups", "traits"}),
        ("1.42", {"fault", "traits", "power_interface"}, {"conductor"}),
        ("1.86", {"conductor", "retired", "parent_node", "firmware_interface"}, set()),
    ],
)
def test_a_machine_shows_what_its_microversion_knows(
    cloud: Client, version: str | None, present: set[str], absent: set[str]
) -> None:
    answer = ask(cloud, f"{NODES}/a1", version)
    assert answer.headers[LEGACY] == (version or "1.1")
    assert answer.headers["X-OpenStack-Ironic-API-Maximum-Version"] == "1.86"
    shown = answer.json()
    assert present <= shown.keys()
    assert not absent & shown.keys()


def test_the_standard_header_goes_before_ironics_own(cloud: Client) -> None:
    headers = {"OpenStack-API-Version": "baremetal 1.40", LEGACY: "1.5"}
    answer = cloud.ask("GET", NODES, headers=headers)
    assert answer.headers[LEGACY] == "1.40"


def test_lists_come_in_pages_that_are_linked(cloud: Client) -> None:
    path, seen, pages = f"{NODES}?fields=uuid&limit=2", [], 0
    while path:
        page = get(cloud, path)
        seen += [node["uuid"] for node in page["nodes"]]
        pages += 1
        path = page.get("next", "").removeprefix(cloud.base_url)
    assert seen == [node["uuid"] for node in get(cloud, NODES)["nodes"]]
    assert (len(seen), pages) == (5, 3)


def test_a_machine_follows_its_host(cloud: Client) -> None:
    def shown() -> Json:
        return get(cloud, f"{NODES}/b1")

    services = get_services(cloud)
    path = f"/compute/v2.1/os-services/{services['b1']}"
    assert cloud.ask("PUT", "/vigil/hosts/b1", body={"alive": False}).status_code == 200
    body = {"status": "disabled", "disabled_reason": "new fan"}
    assert cloud.ask("PUT", path, body=body).status_code == 200
    node = shown()
    assert (node["power_state"], node["maintenance"]) == ("power off", True)
    assert node["maintenance_reason"] == "new fan"
    empty = {"status": "disabled", "disabled_reason": "watcher_disabled"}
    assert cloud.ask("PUT", path, body=empty).status_code == 200
    assert shown()["maintenance"] is False  # so that it can be switched on again
    assert cloud.ask("PUT", path, body=body).status_code == 200
    found = get(cloud, f"{NODES}?maintenance=true")["nodes"]
    assert [n["name"] for n in found] == ["b1"]
    states = get(cloud, f"{NODES}/{node['uuid']}/states")
    assert states["power_state"] == "power off"
    assert states["target_power_state"] is None
    assert cloud.ask("PUT", "/vigil/hosts/b1", body={"alive": True}).status_code == 200
    assert cloud.ask("PUT", path, body={"status": "enabled"}).status_code == 200
    node = shown()
    assert (node["power_state"], node["maintenance"]) == ("power on", False)
    assert node["maintenance_reason"] is None


def get_services(cloud: Client) -> dict[str, str]:
    """Host → id of its nova-compute."""
    found = cloud.get("/compute/v2.1/os-services?binary=nova-compute")["services"]
    return {service["host"]: service["id"] for service in found}


def test_a_plain_member_owns_no_machine(member: Client, cloud: Client) -> None:
    assert get(member, NODES)["nodes"] == []
    assert ask(member, f"{NODES}/a1").status_code == 404
    assert ask(cloud, f"{NODES}/a9").status_code == 404


def test_faults_can_strike_ironic(cloud: Client) -> None:
    cloud.fault(kind="endpoint", service="baremetal", status=503)
    answer = ask(cloud, NODES)
    assert answer.status_code == 503
    assert answer.json()["error_message"]["faultcode"] == "Server"
    assert ask(cloud, NODES).status_code == 200
