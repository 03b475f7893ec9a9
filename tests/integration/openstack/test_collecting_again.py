"""A collector that collects again reads of Placement only what may have changed."""

from typing import Any

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudUnreachable
from domain.cluster.compute.allocations import Allocation
from infrastructure.openstack.collectors import providers
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.connection import ConnectionLimits
from tests.integration.openstack.nova_records import hypervisor, server, service
from tests.integration.openstack.scripted import Say, ScriptedCloud

Json = dict[str, Any]
INTERVAL = 600.0
SIZE = {"resources": {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 26}}
OWN = {"id-h1": {"s1": SIZE}, "id-h2": {"s2": SIZE}}


class Again:
    """Two hosts with a server each, and a collector whose time a test sets."""

    def __init__(self, cloud: ScriptedCloud, connection: Connection) -> None:
        self.cloud = cloud
        self.now = 0.0
        self.collector = NovaCollector(
            connection, ConnectionLimits(read_retries=0), interval=INTERVAL, clock=lambda: self.now
        )
        self.hypervisors = [hypervisor("h1"), hypervisor("h2")]
        self.servers = [server("s1", "h1"), server("s2", "h2")]
        self.generations = {"id-h1": 3, "id-h2": 4}
        self.total = {"id-h1": 16, "id-h2": 16}
        self.traits = {"id-h1": ["A"], "id-h2": ["A"]}
        self.allocations: dict[str, Json] = {host: dict(held) for host, held in OWN.items()}

    def collect(self) -> set[tuple[str, str]]:
        """Collects; returns the parts of providers that it read: host and part."""
        self.script()
        begun = len(self.cloud.asked)
        self.rows = self.collector.collect()
        paths = [one.path.split("/") for one in self.cloud.asked[begun:]]
        return {(path[-2], path[-1]) for path in paths if path[-2].startswith("id-")}

    def foreign(self) -> dict[str, tuple[Allocation, ...]]:
        """The foreign allocations of the hosts that have some."""
        return {
            host.name: host.other_allocations for host in self.rows.hosts if host.other_allocations
        }

    def script(self) -> None:
        on = self.cloud.on
        listed: dict[str, Any] = {
            "/os-hypervisors/detail": {"hypervisors": self.hypervisors},
            "/os-services": {"services": [service("h1"), service("h2")]},
            "/servers/detail": {"servers": self.servers},
            "/os-server-groups": {"server_groups": []},
            "/os-aggregates": {"aggregates": []},
            "/resource_providers": {
                "resource_providers": [
                    {"uuid": host, "generation": number}
                    for host, number in self.generations.items()
                ]
            },
        }
        for path, body in listed.items():
            on("GET", path, Say(200, body))
        for host in self.generations:
            vcpus = {"VCPU": {"total": self.total[host]}}
            at = f"/resource_providers/{host}"
            on("GET", f"{at}/inventories", Say(200, {"inventories": vcpus}))
            on("GET", f"{at}/traits", Say(200, {"traits": self.traits[host]}))
            on("GET", f"{at}/allocations", Say(200, {"allocations": self.allocations[host]}))


@pytest.fixture
def again(cloud: ScriptedCloud, connection: Connection) -> Again:
    made = Again(cloud, connection)
    assert made.collect() == {
        (host, part) for host in OWN for part in ("inventories", "traits", "allocations")
    }
    assert made.rows.whole_age == 0.0
    return made


def test_what_is_unchanged_is_not_read_again(again: Again) -> None:
    before = again.rows
    again.now = 60.0
    assert again.collect() == set()
    assert (again.rows.hosts, again.rows.servers) == (before.hosts, before.servers)
    assert again.rows.whole_age == 60.0


def test_a_provider_of_another_generation_is_read_again(again: Again) -> None:
    again.generations["id-h2"] += 1
    again.total["id-h2"], again.traits["id-h2"] = 32, ["A", "B"]
    again.allocations["id-h2"]["stray"] = SIZE
    assert {host for host, _ in again.collect()} == {"id-h2"}
    [changed] = [host for host in again.rows.hosts if host.name == "h2"]
    assert (changed.vcpus, changed.traits, changed.generation) == (32, ("A", "B"), 5)
    assert list(again.foreign()) == ["h2"]


def _deleted(again: Again) -> dict[str, tuple[Allocation, ...]]:
    """Foreign allocations after s1 and a stray consumer lost theirs; no generation shows that."""
    again.generations["id-h1"] += 1
    again.allocations["id-h1"]["stray"] = SIZE
    again.collect()
    assert list(again.foreign()) == ["h1"]
    del again.allocations["id-h1"]["stray"]
    assert again.collect() == {("id-h1", "allocations")}
    return again.foreign()


def test_a_deleted_allocation_is_seen_although_the_generation_is_the_same(again: Again) -> None:
    assert _deleted(again) == {}


def test_the_test_of_deleted_allocations_can_fail(
    again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "accounts_for_all", lambda *_: True)
    with pytest.raises(AssertionError):
        _deleted(again)


def test_a_host_that_a_server_left_is_read_again_until_nothing_is_allocated_to_others(
    again: Again,
) -> None:
    """After a resize the allocation at the source belongs to the migration. When the resize is
    confirmed it is deleted, and neither a server nor a generation of the source changes."""
    again.servers[0] = server("s1", "h2")
    again.generations = {"id-h1": 4, "id-h2": 5}
    again.allocations = {"id-h1": {"migration": SIZE}, "id-h2": {"s1": SIZE, "s2": SIZE}}
    again.collect()
    assert list(again.foreign()) == ["h1"]
    again.allocations["id-h1"] = {}
    assert again.collect() == {("id-h1", "allocations")}
    assert again.foreign() == {}
    assert again.collect() == set()


def test_a_server_that_is_gone_leaves_its_allocation_to_be_seen(again: Again) -> None:
    del again.servers[1]
    assert again.collect() == {("id-h2", "allocations")}
    assert list(again.foreign()) == ["h2"]


def test_a_server_of_another_size_than_allocated_is_read_again(again: Again) -> None:
    small = {"vcpus": 1, "ram": 4096, "disk": 26, "ephemeral": 0, "swap": 0, "extra_specs": {}}
    again.servers[1]["flavor"] = small
    assert again.collect() == {("id-h2", "allocations")}
    assert list(again.foreign()) == ["h2"]


def test_a_host_that_was_created_again_is_read_again(again: Again) -> None:
    """Its provider has the same id, and may have the same generation."""
    again.hypervisors[1] = hypervisor("h2", service={"host": "h2", "id": "another"})
    again.total["id-h2"] = 64
    assert {host for host, _ in again.collect()} == {"id-h2"}
    assert {host.vcpus for host in again.rows.hosts} == {16, 64}


def test_everything_is_read_again_after_the_interval(again: Again) -> None:
    again.now = INTERVAL
    assert len(again.collect()) == 6
    assert again.rows.whole_age == 0.0
    again.now += 1.0
    assert again.collect() == set()
    assert again.rows.whole_age == 1.0


def test_a_failed_collection_is_not_remembered(again: Again) -> None:
    again.generations = {"id-h1": 4, "id-h2": 5}
    again.script()
    again.cloud.on("GET", "/resource_providers/id-h2/allocations", Say(500, {}))
    with pytest.raises(CloudUnreachable):
        again.collector.collect()
    assert len(again.collect()) == 6


def test_malformed_allocations_are_read_and_reported_each_time(again: Again) -> None:
    again.generations["id-h1"] += 1
    again.allocations["id-h1"] = {"s1": {"resources": {"VCPU": "two"}}}
    again.collect()
    assert again.collect() == {("id-h1", "allocations")}
    assert [one.kind for one in again.rows.aside] == ["host"]
