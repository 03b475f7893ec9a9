"""Room that others than a host's servers hold, collected over HTTP as from any cloud."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.cluster.compute.model import ComputeModel
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.simulator import Simulator, SimulatorConfig
from tests.integration.simulator.clients import IDS, SPEED, Client, small_cloud, until

SIZE = [1.0, 2048.0, 10.0, 0.0]
"""Of the servers that move here."""
BOOKED = [3.0, 512.0, 0.0, 0.0]
"""What the cluster file books on a3."""


@pytest.fixture(scope="module")
def simulator(folder: Path) -> Iterator[Simulator]:
    """The small cloud, with an allocation on a3 that belongs to nobody, and one to a server."""
    file = small_cloud(folder)
    cluster = json.loads(file.read_text())
    [host] = [one for one in cluster["hosts"] if one["name"] == "a3"]
    host["other_allocations"] = {"gone": {"vcpus": 2}, IDS["big"]: {"vcpus": 1, "ram_mb": 512}}
    file.write_text(json.dumps(cluster))
    running = Simulator(SimulatorConfig(cluster_file=file, speed=SPEED))
    running.start()
    yield running
    running.stop()


def others(cloud: Client) -> dict[str, list[float]]:
    """Host → what others hold there. With what servers hold it adds up to Placement's usages."""
    found = NovaCollector(cloud.sdk).collect()
    model, quarantined = ComputeModel.build(
        found.hosts, found.servers, found.groups, found.aggregates
    )
    assert not quarantined
    held = model.allocated + model.foreign_allocated
    for place, host in enumerate(model.hosts.name):
        used = cloud.taken(host)
        assert held[:3, place].tolist() == [used["VCPU"], used["MEMORY_MB"], used["DISK_GB"]]
    return {
        host: model.foreign_allocated[:, place].tolist()
        for place, host in enumerate(model.hosts.name)
        if model.foreign_allocated[:, place].any()
    }


def test_what_a_cluster_file_books_stays_booked(cloud: Client) -> None:
    assert others(cloud) == {"a3": BOOKED}
    path = f"/placement/resource_providers/{cloud.provider('a3')}/allocations"
    consumers = set(cloud.get(path)["allocations"]) - set(IDS.values())
    assert len(consumers) == 2
    for consumer in consumers:
        shown = cloud.get(f"/placement/allocations/{consumer}")
        assert list(shown["allocations"]) == [cloud.provider("a3")]
        assert shown["consumer_type"] == "unknown"


def test_a_live_migration_holds_room_at_its_goal_until_it_lands(cloud: Client) -> None:
    server = IDS["free-1"]
    cloud.fault(kind="migration", outcome="hang", server=server)
    assert cloud.live(server, "a2").status_code == 202
    until(lambda: cloud.migrations(server)[0]["status"] == "running", "it runs")
    assert others(cloud) == {"a2": SIZE, "a3": BOOKED}
    path = f"/compute/v2.1/servers/{server}/migrations"
    number = cloud.get(path)["migrations"][0]["id"]
    forced = cloud.ask("POST", f"{path}/{number}/action", body={"force_complete": None})
    assert forced.status_code == 202
    cloud.settled(server)
    assert others(cloud) == {"a3": BOOKED}


def test_a_cold_migration_holds_room_where_the_server_was_until_it_is_confirmed(
    cloud: Client,
) -> None:
    server = IDS["free-3"]
    before = cloud.host_of(server)
    assert cloud.act(server, {"migrate": {"host": "a1"}}).status_code == 202
    cloud.settled(server, "VERIFY_RESIZE")
    assert others(cloud) == {before: SIZE, "a3": BOOKED}
    assert cloud.act(server, {"confirmResize": None}).status_code == 204
    cloud.settled(server)
    assert others(cloud) == {"a3": BOOKED}
