"""A live migration from acceptance to arrival, as openstacksdk and plain requests see it."""

from infrastructure.simulator import Simulator
from tests.integration.simulator.clients import IDS, Client, until


def _other(host: str) -> str:
    return "a2" if host != "a2" else "a3"


def test_openstacksdk_moves_a_server_to_the_host_it_names(cloud: Client) -> None:
    server, target = IDS["free-1"], _other(cloud.host_of(IDS["free-1"]))
    cloud.sdk.compute.live_migrate_server(server, host=target, block_migration="auto")
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] == target
    newest = cloud.migrations(server)[0]
    assert (newest["status"], newest["dest_compute"]) == ("completed", target)


def test_the_scheduler_picks_a_host_when_none_is_named(cloud: Client) -> None:
    server = IDS["free-2"]
    before = cloud.host_of(server)
    assert cloud.live(server).status_code == 202
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] != before


def test_a_running_migration_shows_its_progress_and_blocks_everything_else(cloud: Client) -> None:
    server = IDS["free-1"]
    before = cloud.host_of(server)
    cloud.fault(kind="migration", outcome="hang", server=server)
    assert cloud.live(server).status_code == 202
    until(lambda: cloud.migrations(server)[0]["status"] == "running", "it runs")
    assert cloud.server(server)["status"] == "MIGRATING"
    assert cloud.host_of(server) == before
    running = cloud.get(f"/compute/v2.1/servers/{server}/migrations")["migrations"][0]
    total, done = running["memory_total_bytes"], running["memory_processed_bytes"]
    assert total == 2048 * 1024 * 1024
    assert done + running["memory_remaining_bytes"] == total
    for action in ({"os-stop": None}, {"migrate": None}, {"resize": {"flavorRef": "wider"}}):
        refused = cloud.act(server, action)
        assert refused.status_code == 409
        assert "task_state migrating" in refused.json()["conflictingRequest"]["message"]
    assert cloud.live(server).status_code == 409
    path = f"/compute/v2.1/servers/{server}/migrations/{running['id']}"
    assert cloud.ask("POST", f"{path}/action", body={"force_complete": None}).status_code == 202
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] != before


def test_an_aborted_migration_leaves_the_server_where_it_was(cloud: Client) -> None:
    server = IDS["free-2"]
    before, taken = cloud.host_of(server), cloud.taken(cloud.host_of(server))
    cloud.fault(kind="migration", outcome="hang", server=server)
    cloud.live(server)
    until(lambda: cloud.migrations(server)[0]["status"] == "running", "it runs")
    running = next(iter(cloud.sdk.compute.server_migrations(server)))
    cloud.sdk.compute.abort_server_migration(running, server)
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] == before
    assert cloud.migrations(server)[0]["status"] == "cancelled"
    assert cloud.taken(before) == taken
    gone = cloud.ask("DELETE", f"/compute/v2.1/servers/{server}/migrations/{running.id}")
    assert gone.status_code == 409


def test_a_source_runs_one_live_migration_at_a_time(cloud: Client) -> None:
    first, second = IDS["free-1"], IDS["free-2"]
    for server in (first, second):
        if cloud.host_of(server) != "a1":
            assert cloud.live(server, "a1").status_code == 202
            cloud.settled(server)
    cloud.fault(kind="migration", outcome="hang", server=first)
    cloud.live(first, "a2")
    until(lambda: cloud.migrations(first)[0]["status"] == "running", "the first runs")
    cloud.live(second, "a3")
    assert cloud.migrations(second)[0]["status"] == "queued"
    number = cloud.migrations(second)[0]["id"]
    path = f"/compute/v2.1/servers/{second}/migrations/{number}"
    assert cloud.ask("DELETE", path, "2.64").status_code == 400
    number = cloud.migrations(first)[0]["id"]
    cloud.ask("DELETE", f"/compute/v2.1/servers/{first}/migrations/{number}")
    cloud.settled(first)
    assert cloud.settled(second)["OS-EXT-SRV-ATTR:host"] == "a3"


def test_the_next_in_the_queue_starts_when_a_migrating_server_is_deleted(cloud: Client) -> None:
    deleted, waiting = IDS["big"], IDS["apart-1"]
    assert cloud.host_of(deleted) == cloud.host_of(waiting) == "a1"
    cloud.fault(kind="migration", outcome="hang", server=deleted)
    assert cloud.live(deleted, "a2").status_code == 202
    assert cloud.live(waiting, "a3").status_code == 202
    assert cloud.migrations(waiting)[0]["status"] == "queued"
    assert cloud.ask("DELETE", f"/compute/v2.1/servers/{deleted}").status_code == 204
    assert cloud.settled(waiting)["OS-EXT-SRV-ATTR:host"] == "a3"
    assert cloud.migrations(deleted)[0]["status"] == "cancelled"


def test_the_history_names_the_request_that_moved_the_server(cloud: Client) -> None:
    server = IDS["free-3"]
    answer = cloud.live(server)
    request = answer.headers["x-openstack-request-id"]
    assert answer.headers["x-compute-request-id"] == request
    cloud.settled(server)
    action = cloud.action(server, request)
    assert (action["action"], action["message"]) == ("live-migration", None)
    events = [event["event"] for event in action["events"]]
    assert events[0] == "compute_post_live_migration_at_destination"
    assert events[-1] == "conductor_live_migrate_instance"
    assert all(event["result"] == "Success" for event in action["events"])


def test_every_accepted_request_is_in_the_journal_and_no_refused_one(cloud: Client) -> None:
    server = IDS["free-3"]
    before = len(cloud.journal(server))
    target = _other(cloud.host_of(server))
    answer = cloud.live(server, target)
    cloud.settled(server)
    moved = cloud.migrations(server)[0]["uuid"]
    assert cloud.live(server, target).status_code == 400
    new = cloud.journal(server)[before:]
    assert [entry["request_id"] for entry in new] == [answer.headers["x-openstack-request-id"]]
    assert new[0]["target"] == target
    assert new[0]["migration_uuid"] == moved
    assert new[0]["body"]["os-migrateLive"]["host"] == target


def test_migrations_are_listed_by_time_of_change_and_paged_by_uuid(cloud: Client) -> None:
    server = IDS["free-3"]
    for _ in range(3):
        cloud.live(server)
        cloud.settled(server)
    every = cloud.migrations(server)
    path = f"/compute/v2.1/os-migrations?instance_uuid={server}&limit=2"
    first = cloud.get(path)
    assert [m["id"] for m in first["migrations"]] == [m["id"] for m in every[:2]]
    link = first["migrations_links"][0]["href"].removeprefix(cloud.base_url)
    assert [m["id"] for m in cloud.get(link)["migrations"]] == [m["id"] for m in every[2:4]]
    since = f"{path}&changes-since={every[0]['updated_at']}"
    assert every[0]["id"] in [m["id"] for m in cloud.get(since)["migrations"]]
    assert cloud.get(f"{path}&changes-since=2099-01-01T00:00:00")["migrations"] == []
    numeric = cloud.ask("GET", f"{path}&marker={every[0]['id']}")
    assert numeric.status_code == 400


def test_load_moves_with_the_server(cloud: Client, simulator: Simulator) -> None:
    server = IDS["free-3"]
    cloud.live(server)
    host = cloud.settled(server)["OS-EXT-SRV-ATTR:host"]
    assert simulator.cloud.world.timeline.host_of(server) == host
