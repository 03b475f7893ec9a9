"""Lists at full size, and the same thing in many microversions."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import requests

from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import IDS, Client

SERVERS = 10_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Ten thousand servers."""
    running = Simulator(SimulatorConfig(hosts=600, servers=SERVERS))
    running.start()
    client = Client(running.base_url, tmp_path_factory.mktemp("large"))
    yield client
    client.sdk.close()
    running.stop()


def test_ten_thousand_servers_come_in_pages_of_a_thousand(large: Client) -> None:
    """A page takes well below a second; the bound leaves room for a busy machine."""
    path, pages, slowest, seen = "/compute/v2.1/servers/detail?all_tenants=1", 0, 0.0, set()
    while path:
        began = time.monotonic()
        page = large.get(path)
        slowest = max(slowest, time.monotonic() - began)
        assert len(page["servers"]) <= 1000
        seen |= {server["id"] for server in page["servers"]}
        pages += 1
        links = page.get("servers_links", [])
        path = links[0]["href"].removeprefix(large.base_url) if links else ""
    assert (len(seen), pages) == (SERVERS, 10)
    assert slowest < 10.0


def test_openstacksdk_follows_the_links(large: Client) -> None:
    servers = large.sdk.compute.servers(all_projects=True, details=False)
    assert len({server.id for server in islice(servers, 1500)}) == 1500


def test_a_host_lists_its_own_servers(large: Client) -> None:
    state = large.get("/vigil/state")["servers_by_host"]
    host = max(state, key=state.get)
    found = large.get(f"/compute/v2.1/servers/detail?all_tenants=1&host={host}")["servers"]
    assert len(found) == state[host]
    assert {s["OS-EXT-SRV-ATTR:host"] for s in found} == {host}


def test_servers_are_found_by_status_name_project_and_zone(cloud: Client) -> None:
    def names(query: str) -> set[str]:
        path = f"/compute/v2.1/servers/detail?all_tenants=1&{query}"
        return {s["name"] for s in cloud.get(path)["servers"]}

    assert names("status=SHUTOFF") == {"asleep"}
    assert names("name=^apart") == {"apart-1", "apart-2"}
    assert names("availability_zone=b") == {"pinned"}
    assert names("project_id=nobody") == set()
    assert names("flavor=huge") == set()


@pytest.mark.parametrize(
    "query", ["limit=x", "marker=nowhere", "changes-since=yesterday", "name=["]
)
def test_senseless_queries_are_refused(cloud: Client, query: str) -> None:
    answer = cloud.ask("GET", f"/compute/v2.1/servers/detail?all_tenants=1&{query}")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("2.1", {"OS-EXT-SRV-ATTR:host"}, {"locked", "tags", "host_status"}),
        ("2.9", {"locked"}, {"host_status", "description"}),
        ("2.26", {"host_status", "tags", "description"}, {"trusted_image_certificates"}),
        ("2.73", {"locked_reason", "server_groups"}, {"pinned_availability_zone"}),
        ("2.96", {"pinned_availability_zone"}, set()),
    ],
)
def test_a_server_shows_what_its_microversion_knows(
    cloud: Client, version: str, present: set[str], absent: set[str]
) -> None:
    shown = cloud.get(f"/compute/v2.1/servers/{IDS['pinned']}", version)["server"]
    assert present <= shown.keys()
    assert not absent & shown.keys()
    assert ("original_name" in shown["flavor"]) == (version in ("2.73", "2.96"))


def test_pins_groups_and_extra_specs_are_shown(cloud: Client) -> None:
    assert cloud.server(IDS["pinned"])["pinned_availability_zone"] == "b"
    assert len(cloud.server(IDS["apart-1"])["server_groups"]) == 1
    flavors = {f.name: f for f in cloud.sdk.compute.flavors(get_extra_specs=True)}
    assert flavors["huge"].extra_specs == {"hw:cpu_policy": "shared"}
    groups = {g.name: g for g in cloud.sdk.compute.server_groups(all_projects=True)}
    assert groups["apart"].policy == "anti-affinity"


@pytest.mark.parametrize("asked", ["2.0", "2.97", "3.1", "1.1"])
def test_an_unsupported_microversion_is_not_acceptable(cloud: Client, asked: str) -> None:
    answer = cloud.ask("GET", "/compute/v2.1/servers", asked)
    assert answer.status_code == 406
    assert "Minimum is 2.1 and maximum is 2.96" in answer.text
    assert cloud.ask("GET", "/placement/traits", "1.99").status_code == 406


def test_the_microversion_is_negotiated_by_either_header(cloud: Client) -> None:
    token = cloud.sdk.session.get_token()
    url = f"{cloud.base_url}/compute/v2.1/servers"

    def negotiated(**headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = requests.get(url, headers={"X-Auth-Token": token, **named}, timeout=10)
        assert answer.status_code == 200
        return answer.headers["OpenStack-API-Version"]

    assert negotiated() == "compute 2.1"
    assert negotiated(X_OpenStack_Nova_API_Version="2.42") == "compute 2.42"
    assert negotiated(OpenStack_API_Version="compute latest") == "compute 2.96"
    assert negotiated(OpenStack_API_Version="placement 1.3, compute 2.60") == "compute 2.60"
    assert negotiated(OpenStack_API_Version="placement 1.3") == "compute 2.1"


def test_every_answer_has_its_own_request_id(cloud: Client) -> None:
    answers = [cloud.ask("GET", "/compute/v2.1/flavors") for _ in range(5)]
    answers.append(cloud.ask("GET", "/compute/v2.1/nonsense"))
    ids = {a.headers["x-openstack-request-id"] for a in answers}
    assert len(ids) == 6
    assert all(a.headers["x-compute-request-id"] in ids for a in answers)
    assert answers[-1].status_code == 404


def test_openstacksdk_discovers_the_newest_version(cloud: Client) -> None:
    for proxy, newest in ((cloud.sdk.compute, (2, 96)), (cloud.sdk.placement, (1, 39))):
        found = proxy.get_endpoint_data()
        assert found is not None
        assert found.max_microversion == newest


def test_the_same_seed_makes_the_same_cloud(tmp_path: Path) -> None:
    seen = []
    for seed in (5, 5, 6):
        running = Simulator(SimulatorConfig(hosts=5, servers=40, seed=seed))
        running.start()
        client = Client(running.base_url, tmp_path)
        servers = client.get("/compute/v2.1/servers/detail?all_tenants=1")["servers"]
        seen.append([(s["id"], s["OS-EXT-SRV-ATTR:host"]) for s in servers])
        client.sdk.close()
        running.stop()
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
