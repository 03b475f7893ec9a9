"""What the scheduler does not allow, and when a client hears of it."""

import pytest

from tests.integration.simulator.clients import IDS, Client, until

REFUSED = [
    pytest.param("big", "tiny", id="the host is too small"),
    pytest.param("pinned", "a2", id="it is pinned to another zone"),
    pytest.param("apart-1", "a2", id="a member of its anti-affinity group is there"),
    pytest.param("together-1", "a2", id="its affinity group is elsewhere"),
]


@pytest.mark.parametrize(("name", "host"), REFUSED)
def test_at_2_30_the_refusal_is_the_answer(cloud: Client, name: str, host: str) -> None:
    server = IDS[name]
    before, taken = cloud.host_of(server), cloud.taken(host)
    answer = cloud.live(server, host, "2.30")
    assert answer.status_code == 400
    assert "No valid host was found" in answer.json()["badRequest"]["message"]
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] == before
    assert cloud.taken(host) == taken
    assert cloud.migrations(server)[0]["status"] == "error"


@pytest.mark.parametrize(("name", "host"), REFUSED)
def test_from_2_34_on_it_is_accepted_and_fails(cloud: Client, name: str, host: str) -> None:
    server = IDS[name]
    before = cloud.host_of(server)
    answer = cloud.live(server, host, "2.34")
    assert answer.status_code == 202
    uuid = cloud.journal(server)[-1]["migration_uuid"]

    def failed() -> bool:
        newest = next(m for m in cloud.migrations(server) if m["uuid"] == uuid)
        return bool(newest["status"] == "error")

    until(failed, "the migration is in error")
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] == before
    request = answer.headers["x-openstack-request-id"]
    assert cloud.action(server, request)["message"] == "Error"


def test_an_unknown_host_is_refused_in_every_version(cloud: Client) -> None:
    for version in ("2.30", "2.96"):
        answer = cloud.live(IDS["free-1"], "nowhere", version)
        assert answer.status_code == 400
        assert answer.json()["badRequest"]["message"] == "Compute host nowhere could not be found."


def test_the_servers_own_host_is_no_destination(cloud: Client) -> None:
    assert cloud.live(IDS["free-1"], cloud.host_of(IDS["free-1"])).status_code == 400


def test_before_2_30_a_named_host_is_taken_without_asking_the_scheduler(cloud: Client) -> None:
    """Except that it must have room and its service must be up."""
    server = IDS["apart-1"]
    before = cloud.host_of(server)
    assert cloud.live(server, "a2", "2.29").status_code == 202
    assert cloud.settled(server)["OS-EXT-SRV-ATTR:host"] == "a2"
    assert cloud.live(IDS["big"], "tiny", "2.29").status_code == 400
    assert cloud.live(server, before, "2.29").status_code == 202
    cloud.settled(server)


def test_a_stopped_server_cannot_move_live(cloud: Client) -> None:
    answer = cloud.live(IDS["asleep"])
    assert answer.status_code == 409
    assert "vm_state stopped" in answer.json()["conflictingRequest"]["message"]


def test_a_server_that_does_not_exist_is_not_found(cloud: Client) -> None:
    assert cloud.live("00000000-0000-4000-8000-ffffffffffff").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"os-migrateLive": {"block_migration": "auto"}},
        {"os-migrateLive": {"host": None, "block_migration": "auto", "more": 1}},
        {"os-migrateLive": {"host": 7, "block_migration": "auto"}},
        {"os-migrateLive": None},
        {"nonsense": None},
        {"os-stop": None, "os-start": None},
        {},
    ],
    ids=str,
)
def test_malformed_actions_are_refused(cloud: Client, body: dict[str, object]) -> None:
    answer = cloud.act(IDS["free-1"], body)
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["code"] == 400


def test_force_is_known_from_2_30_to_2_67(cloud: Client) -> None:
    action = {"os-migrateLive": {"host": "nowhere", "block_migration": "auto", "force": True}}
    for version, known in (("2.29", False), ("2.30", True), ("2.67", True), ("2.68", False)):
        message = cloud.act(IDS["free-1"], action, version).json()["badRequest"]["message"]
        assert ("'force' was unexpected" not in message) == known


def test_a_body_that_is_not_json_is_refused(cloud: Client) -> None:
    path = f"/compute/v2.1/servers/{IDS['free-1']}/action"
    answer = cloud.ask("POST", path, data=b"{not json")
    assert answer.status_code == 400
