"""Placement's books are right before, during and after migrations."""

from tests.integration.simulator.clients import HOST_IDS, IDS, Client, until


def _sums(cloud: Client) -> dict[str, int]:
    """Memory of each host's servers, by their flavors."""
    sums = dict.fromkeys(HOST_IDS, 0)
    for server in cloud.get("/compute/v2.1/servers/detail?all_tenants=1")["servers"]:
        sums[server["OS-EXT-SRV-ATTR:host"]] += server["flavor"]["ram"]
    return sums


def test_usages_are_the_sum_of_the_servers_flavors(cloud: Client) -> None:
    for name in ("free-1", "free-2", "big"):
        cloud.live(IDS[name])
        cloud.settled(IDS[name])
    taken = {host: cloud.taken(host)["MEMORY_MB"] for host in HOST_IDS}
    assert taken == _sums(cloud)


def test_a_live_migration_holds_both_hosts(cloud: Client) -> None:
    server = IDS["free-1"]
    source = cloud.host_of(server)
    target = "a2" if source != "a2" else "a3"
    before = cloud.taken(source)["MEMORY_MB"], cloud.taken(target)["MEMORY_MB"]
    cloud.fault(kind="migration", outcome="hang", server=server)
    cloud.live(server, target)
    migration = cloud.migrations(server)[0]
    for consumer, host, kind in (
        (migration["uuid"], source, "MIGRATION"),
        (server, target, "INSTANCE"),
    ):
        held = cloud.get(f"/placement/allocations/{consumer}")
        assert list(held["allocations"]) == [HOST_IDS[host]]
        assert held["consumer_type"] == kind
    during = cloud.taken(source)["MEMORY_MB"], cloud.taken(target)["MEMORY_MB"]
    assert during == (before[0], before[1] + 2048)
    until(lambda: cloud.migrations(server)[0]["status"] == "running", "it runs")
    number = migration["id"]
    cloud.ask("DELETE", f"/compute/v2.1/servers/{server}/migrations/{number}")
    cloud.settled(server)
    after = cloud.taken(source)["MEMORY_MB"], cloud.taken(target)["MEMORY_MB"]
    assert after == before


def test_a_providers_generation_rises_when_its_books_change(cloud: Client) -> None:
    path = f"/placement/resource_providers/{HOST_IDS['a3']}"
    before = cloud.get(path)["generation"]
    server = IDS["free-2"]
    cloud.live(server, "a3" if cloud.host_of(server) != "a3" else "a2")
    cloud.settled(server)
    assert cloud.get(path)["generation"] > before


def test_inventories_carry_ratios_and_reserves(cloud: Client) -> None:
    found = cloud.get(f"/placement/resource_providers/{HOST_IDS['a1']}/inventories")
    assert found["inventories"]["VCPU"] == {
        "total": 16,
        "reserved": 0,
        "min_unit": 1,
        "max_unit": 16,
        "step_size": 1,
        "allocation_ratio": 4.0,
    }


def test_providers_are_found_by_name_room_and_aggregate(cloud: Client) -> None:
    path = "/placement/resource_providers"

    def names(query: str) -> set[str]:
        return {p["name"] for p in cloud.get(f"{path}?{query}")["resource_providers"]}

    assert names("name=b1") == {"b1"}
    assert "tiny" not in names("resources=VCPU:1,MEMORY_MB:8192")
    zone_b = cloud.get("/compute/v2.1/os-aggregates")["aggregates"][1]["uuid"]
    assert names(f"member_of={zone_b}") == {"b1"}
    assert cloud.ask("GET", f"{path}?nonsense=1", "1.39").status_code == 400


def test_allocations_of_a_host_name_its_servers(cloud: Client) -> None:
    found = cloud.get(f"/placement/resource_providers/{HOST_IDS['b1']}/allocations")
    assert found["allocations"][IDS["pinned"]]["resources"] == {
        "VCPU": 1,
        "MEMORY_MB": 2048,
        "DISK_GB": 10,
    }
    nobody = cloud.get("/placement/allocations/00000000-0000-4000-8000-ffffffffffff")
    assert nobody == {"allocations": {}}


def test_a_refusal_is_in_placements_own_words(cloud: Client) -> None:
    answer = cloud.ask(
        "GET", "/placement/resource_providers/00000000-0000-4000-8000-ffffffffffff", "1.39"
    )
    assert answer.status_code == 404
    error = answer.json()["errors"][0]
    assert (error["status"], error["title"]) == (404, "Not Found")
    assert error["request_id"] == answer.headers["x-openstack-request-id"]
