"""Cinder: what is stored where, in Cinder's own forms and versions."""

from pathlib import Path
from typing import Any

import pytest
import requests

from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import IDS, Client, until

VOLUMES = "/volume/v3/volumes"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A generated cloud with a few dozen volumes."""
    running = Simulator(SimulatorConfig(hosts=8, servers=150, speed=40))
    running.start()
    client = Client(running.base_url, tmp_path_factory.mktemp("full"))
    yield client
    client.sdk.close()
    running.stop()


def ask(client: Client, path: str, version: str = "3.71", **extra: Any) -> requests.Response:
    """A request in a microversion."""
    return client.ask("GET", path, headers={"OpenStack-API-Version": f"volume {version}"}, **extra)


def get(client: Client, path: str, version: str = "3.71") -> Json:
    """A document."""
    answer = ask(client, path, version)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


def volumes(client: Client, query: str = "") -> list[Json]:
    """Everybody's volumes."""
    found: list[Json] = get(client, f"{VOLUMES}/detail?all_tenants=1&{query}")["volumes"]
    return found


def test_the_catalogue_leads_to_cinder_under_both_of_its_types(cloud: Client) -> None:
    for kind in ("block-storage", "volumev3"):
        url = cloud.sdk.session.get_endpoint(service_type=kind, interface="public")
        assert url == f"{cloud.base_url}/volume/v3"
    found = cloud.sdk.block_storage.get_endpoint_data()
    assert found is not None
    assert (found.min_microversion, found.max_microversion) == ((3, 0), (3, 71))


def test_the_list_of_versions_is_for_everyone_and_the_rest_is_not(cloud: Client) -> None:
    answer = requests.get(f"{cloud.base_url}/volume/", timeout=10)
    assert answer.status_code == 300
    assert answer.json()["versions"][0]["id"] == "v3.0"
    for path in ("/volume/v3", VOLUMES):
        assert requests.get(cloud.base_url + path, timeout=10).status_code == 401


def test_openstacksdk_reads_all_of_it(full: Client) -> None:
    storage = full.sdk.block_storage
    found = list(storage.volumes(all_projects=True))
    assert {v.id for v in found} == {v["id"] for v in volumes(full)}
    assert storage.get_volume(found[0].id).is_bootable is found[0].is_bootable
    assert {kind.name for kind in storage.types(is_public="None")} == {
        "ssd",
        "hdd",
        "archive",
        "__DEFAULT__",
    }
    assert len(list(storage.services(binary="cinder-volume"))) == 3
    assert len(list(storage.backend_pools())) == 4
    owners = {snapshot.volume_id for snapshot in storage.snapshots(all_projects=True)}
    assert owners
    assert owners <= {v.id for v in found}


def test_volumes_are_held_by_servers_and_some_are_spare(full: Client) -> None:
    found = volumes(full)
    held = [v for v in found if v["status"] == "in-use"]
    spare = [v for v in found if v["status"] == "available"]
    assert len(held) > len(spare) > 1
    assert all(v["attachments"] == [] for v in spare)
    for volume in held:
        (attachment,) = volume["attachments"]
        server = full.server(attachment["server_id"])
        assert attachment["host_name"] == server["OS-EXT-SRV-ATTR:host"]
        assert attachment["id"] == attachment["volume_id"] == volume["id"]
        assert {"id": volume["id"], "delete_on_termination": False} in server[
            "os-extended-volumes:volumes_attached"
        ]


def test_the_pools_hold_the_volumes_and_one_backend_cannot_measure(full: Client) -> None:
    found = volumes(full)
    pools = get(full, "/volume/v3/scheduler-stats/get_pools?detail=true")["pools"]
    by_name = {pool["name"]: pool["capabilities"] for pool in pools}
    for name, known in by_name.items():
        sizes = [v["size"] for v in found if v["os-vol-host-attr:host"] == name]
        assert (known["total_volumes"], known["allocated_capacity_gb"]) == (len(sizes), sum(sizes))
    blind = by_name.pop("storage-2@archive#archive")
    assert (blind["total_capacity_gb"], blind["free_capacity_gb"]) == ("unknown", "infinite")
    assert "provisioned_capacity_gb" not in blind
    assert all(0 <= p["free_capacity_gb"] <= p["total_capacity_gb"] for p in by_name.values())


def test_pools_are_listed_briefly_and_by_name(full: Client) -> None:
    path = "/volume/v3/scheduler-stats/get_pools"
    assert all(pool.keys() == {"name"} for pool in get(full, path)["pools"])
    one = f"{path}?name=storage-1%40hdd%23bulk-2"
    assert [p["name"] for p in get(full, one)["pools"]] == ["storage-1@hdd#bulk-2"]
    assert len(get(full, one, "3.27")["pools"]) == 4


def test_lists_come_in_pages_that_are_linked(full: Client) -> None:
    everything = [v["id"] for v in volumes(full)]
    path, seen, pages = f"{VOLUMES}/detail?all_tenants=1&limit=7", [], 0
    while path:
        page = get(full, path)
        seen += [v["id"] for v in page["volumes"]]
        pages += 1
        links = page.get("volumes_links", [])
        path = links[0]["href"].removeprefix(full.base_url) if links else ""
    assert seen == everything
    assert pages == -(-len(everything) // 7) + (len(everything) % 7 == 0)
    ids = [v["id"] for v in get(full, f"{VOLUMES}?all_tenants=1&limit=3&offset=2")["volumes"]]
    assert ids == everything[2:5]


def test_the_newest_volumes_come_first_and_can_be_counted(full: Client) -> None:
    times = [v["created_at"] for v in volumes(full)]
    assert times == sorted(times, reverse=True)
    query = f"{VOLUMES}?all_tenants=1&limit=1&with_count=true"
    assert get(full, query)["count"] == len(times)
    assert "count" not in get(full, query, "3.44")


def test_volumes_are_found_by_name_status_pool_and_owner(full: Client) -> None:
    found = volumes(full)
    one = found[0]
    assert [v["id"] for v in volumes(full, f"name={one['name']}")] == [one["id"]]
    spare = {v["id"] for v in found if v["status"] == "available"}
    assert {v["id"] for v in volumes(full, "status=available")} == spare
    pool = "storage-1%40ssd%23fast"
    assert 0 < len(volumes(full, f"host={pool}")) < len(found)
    bootable = {v["id"] for v in volumes(full, "bootable=true")}
    assert bootable == {v["id"] for v in found if v["bootable"] == "true"}
    assert volumes(full, "project_id=nobody") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [("limit=x", 400), ("limit=-1", 400), ("offset=x", 400), ("marker=nowhere", 404)],
)
def test_senseless_queries_are_refused(cloud: Client, query: str, status: int) -> None:
    answer = ask(cloud, f"{VOLUMES}/detail?{query}")
    assert answer.status_code == status
    (envelope,) = answer.json().values()
    assert envelope["code"] == status
    assert envelope["message"]


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("3.0", {"os-vol-host-attr:host", "multiattach"}, {"group_id", "provider_id"}),
        ("3.21", {"group_id", "provider_id"}, {"service_uuid", "shared_targets"}),
        ("3.48", {"service_uuid", "shared_targets"}, {"cluster_name"}),
        ("3.61", {"cluster_name"}, {"volume_type_id"}),
        ("3.65", {"volume_type_id", "consumes_quota"}, set()),
    ],
)
def test_a_volume_shows_what_its_microversion_knows(
    full: Client, version: str, present: set[str], absent: set[str]
) -> None:
    identity = volumes(full)[0]["id"]
    answer = ask(full, f"{VOLUMES}/{identity}", version)
    assert answer.headers["OpenStack-API-Version"] == f"volume {version}"
    shown = answer.json()["volume"]
    assert present <= shown.keys()
    assert not absent & shown.keys()
    assert shown["bootable"] in ("true", "false")


def test_services_show_what_their_microversion_knows(cloud: Client) -> None:
    path = "/volume/v3/os-services?binary=cinder-volume"
    old, new = (get(cloud, path, version)["services"][0] for version in ("3.0", "3.49"))
    assert {"host", "zone", "state", "status", "disabled_reason", "frozen"} <= old.keys()
    assert new.keys() - old.keys() == {"cluster", "backend_state"}
    assert "frozen" not in get(cloud, "/volume/v3/os-services?host=controller")["services"][0]


def test_snapshots_show_what_their_microversion_knows(full: Client) -> None:
    path = "/volume/v3/snapshots?all_tenants=1"
    brief = get(full, path)["snapshots"]
    detail = "/volume/v3/snapshots/detail?all_tenants=1&limit=1"
    old, new = (get(full, detail, version) for version in ("3.0", "3.65"))
    assert old["snapshots"][0].keys() > brief[0].keys()
    assert new["snapshots"][0].keys() - old["snapshots"][0].keys() == {
        "group_snapshot_id",
        "user_id",
        "consumes_quota",
    }
    assert "snapshots_links" in new
    one = get(full, f"/volume/v3/snapshots/{brief[0]['id']}")["snapshot"]
    assert one["volume_id"] == brief[0]["volume_id"]
    of_volume = get(full, f"{path}&volume_id={one['volume_id']}")["snapshots"]
    assert [s["id"] for s in of_volume] == [one["id"]]


def test_an_unsupported_microversion_is_not_acceptable(cloud: Client) -> None:
    answer = ask(cloud, VOLUMES, "3.72")
    assert answer.status_code == 406
    assert "Minimum is 3.0 and maximum is 3.71" in answer.text


def test_a_project_in_the_path_must_be_ones_own(cloud: Client) -> None:
    own = cloud.sdk.session.get_project_id()
    assert ask(cloud, f"/volume/v3/{own}/volumes/detail?all_tenants=1").status_code == 200
    assert ask(cloud, f"/volume/v3/{'0' * 32}/volumes").status_code == 400


def test_a_plain_member_sees_its_own_and_no_hosts(full: Client, tmp_path: Path) -> None:
    member = Client(full.base_url, tmp_path, "simulator-demo")
    try:
        own = get(member, f"{VOLUMES}/detail?all_tenants=1")["volumes"]
        project = member.sdk.session.get_project_id()
        assert {v["os-vol-tenant-attr:tenant_id"] for v in own} == {project}
        assert "os-vol-host-attr:host" not in own[0]
        assert all(a["host_name"] is None for v in own for a in v["attachments"])
        other = next(v for v in volumes(full) if v["os-vol-tenant-attr:tenant_id"] != project)
        assert ask(member, f"{VOLUMES}/{other['id']}").status_code == 404
        for path in ("os-services", "scheduler-stats/get_pools"):
            assert ask(member, f"/volume/v3/{path}").status_code == 403
        kinds = get(member, "/volume/v3/types?is_public=None")["volume_types"]
        assert {kind["name"] for kind in kinds} == {"ssd", "hdd", "__DEFAULT__"}
        assert all(kind["extra_specs"] == {} for kind in kinds)
    finally:
        member.sdk.close()


def test_types_are_public_unless_an_administrator_asks(cloud: Client) -> None:
    def names(query: str) -> set[str]:
        return {kind["name"] for kind in get(cloud, f"/volume/v3/types{query}")["volume_types"]}

    assert names("") == {"ssd", "hdd", "__DEFAULT__"}
    assert names("?is_public=false") == {"archive"}
    assert get(cloud, "/volume/v3/types/default")["volume_type"]["name"] == "__DEFAULT__"
    kind = get(cloud, "/volume/v3/types?limit=1")
    assert kind["volume_type_links"][0]["rel"] == "next"
    shown = kind["volume_types"][0]
    assert shown["extra_specs"] == {"volume_backend_name": shown["name"]}
    assert ask(cloud, "/volume/v3/types/nothing").status_code == 404


def test_attachments_follow_their_servers_until_those_are_deleted(
    simulator: Simulator, cloud: Client
) -> None:
    names = {identity: name for name, identity in IDS.items()}
    loose = {"free-1", "free-2", "free-3", "big", "asleep"}
    held = [v for v in volumes(cloud) if v["attachments"]]
    volume, server = next(
        (v, v["attachments"][0]["server_id"])
        for v in held
        if names[v["attachments"][0]["server_id"]] in loose
    )
    assert cloud.ask("DELETE", f"/compute/v2.1/servers/{server}").status_code == 204

    def detached() -> bool:
        shown = get(cloud, f"{VOLUMES}/{volume['id']}")["volume"]
        return (shown["status"], shown["attachments"]) == ("available", [])

    assert until(detached, "the volume is available")
    assert simulator.cloud.world.servers[server].deleted


def test_the_same_seed_makes_the_same_volumes_also_after_a_restart(tmp_path: Path) -> None:
    seen = []
    for number, state in enumerate((None, tmp_path / "s.db", tmp_path / "s.db")):
        running = Simulator(SimulatorConfig(hosts=4, servers=40, seed=3, state_file=state))
        running.start()
        client = Client(running.base_url, tmp_path)
        seen.append(
            {
                v["id"]: (v["size"], v["os-vol-host-attr:host"], number and v["created_at"])
                for v in volumes(client)
            }
        )
        client.sdk.close()
        running.stop()
    assert seen[1] == seen[2]
    assert {k: v[:2] for k, v in seen[0].items()} == {k: v[:2] for k, v in seen[1].items()}


def test_faults_can_strike_cinder(cloud: Client) -> None:
    cloud.fault(kind="endpoint", service="volume", status=503, path="/volumes", times=2)
    codes = [ask(cloud, path).status_code for path in ("/volume/v3/types", VOLUMES, VOLUMES)]
    assert codes == [200, 503, 503]
    assert ask(cloud, VOLUMES).status_code == 200


def test_every_path_that_does_not_exist_is_refused_in_cinders_words(cloud: Client) -> None:
    for path in (f"{VOLUMES}/{'0' * 8}", "/volume/v3/backups"):
        answer = ask(cloud, path)
        assert answer.status_code == 404
        assert answer.json().keys() == {"itemNotFound"}
