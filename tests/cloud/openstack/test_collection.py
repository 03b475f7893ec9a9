"""The collector against a real Nova and a real Placement."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudRefused, ComputeRows
from domain.cluster.compute.model import ComputeModel
from domain.cluster_models.reasons import SERVICE_ABSENT
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import CloudService, compute, placement

pytestmark = pytest.mark.cloud
_ATTEMPTS = 5


def test_what_servers_and_others_are_allocated_adds_up_to_placements_usages(
    connection: Connection,
) -> None:
    """Others may use the cloud meanwhile: it must add up once in a few attempts."""
    inventory = placement(connection, ConnectionLimits())
    for _ in range(_ATTEMPTS):
        found = NovaCollector(connection).collect()
        model, problems = ComputeModel.build(
            found.hosts, found.servers, found.groups, found.aggregates
        )
        assert not problems
        usages = [
            inventory.get(f"/resource_providers/{host}/usages")["usages"] for host in model.hosts.id
        ]
        placed = [[u.get(r, 0) for u in usages] for r in ("VCPU", "MEMORY_MB", "DISK_GB")]
        held = (model.allocated + model.foreign_allocated)[:3].tolist()
        if held == placed:
            return
    assert held == placed


def test_a_page_size_changes_the_requests_and_nothing_else(connection: Connection) -> None:
    whole = NovaCollector(connection).collect()
    paged = NovaCollector(connection, ConnectionLimits(page=3)).collect()
    assert {host.id for host in paged.hosts} == {host.id for host in whole.hosts}
    assert {server.id for server in paged.servers} == {server.id for server in whole.servers}
    assert paged.calls > whole.calls


@pytest.mark.parametrize(
    ("collector", "service"), [(CinderCollector, "block-storage"), (IronicNodes, "baremetal")]
)
def test_a_service_is_collected_or_said_to_be_absent(
    connection: Connection,
    collector: type[CinderCollector] | type[IronicNodes],
    service: str,
) -> None:
    if connection.has_service(service):
        assert collector(connection).collect().calls > 0
        return
    with pytest.raises(CloudRefused) as refusal:
        collector(connection).collect()
    because = refusal.value.because
    assert (because.reason, because.facts["service"]) == (SERVICE_ABSENT, service)


def test_a_plain_member_is_refused(connection: Connection) -> None:
    name = os.environ.get("VIGIL_TEST_CLOUD_MEMBER")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD_MEMBER does not name a member's entry")
    member = connect(name)
    with pytest.raises(CloudRefused):
        NovaCollector(member).collect()
    member.session.session.close()


class _Twice:
    """A collector that remembers Placement, compared with one that reads everything."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._remembering = NovaCollector(connection, interval=float("inf"))
        self._hosts = len(self._remembering.collect().hosts)

    def compare(self) -> int:
        """Compares them while the cloud does not change; returns the requests that were saved."""
        for _ in range(30):
            before = NovaCollector(self._connection).collect()
            found = self._remembering.collect()
            after = NovaCollector(self._connection).collect()
            if _content(before) == _content(after):
                assert _content(found) == _content(after)
                return after.calls - found.calls
        raise AssertionError("the cloud never stands still")

    def compare_until(self, done: Callable[[], bool]) -> None:
        """Compares them, again and again until something has happened."""
        deadline = time.monotonic() + 120
        while not done():
            assert time.monotonic() < deadline
            self.compare()
        self.compare()


def _content(rows: ComputeRows) -> ComputeRows:
    return replace(
        rows,
        calls=0,
        whole_age=0.0,
        hosts=sorted(rows.hosts, key=lambda row: row.id),
        servers=sorted(rows.servers, key=lambda row: row.id),
        groups=sorted(rows.groups, key=lambda row: row.id),
    )


@pytest.mark.timeout(600)
def test_reading_what_changed_finds_what_reading_everything_finds(connection: Connection) -> None:
    """Live and cold migration, confirmed and reverted; disabled host; changes in Placement only."""
    twice = _Twice(connection)
    saved = twice.compare()
    assert saved >= 3, "nothing was saved"
    nova, books = compute(connection, ConnectionLimits()), placement(connection, ConnectionLimits())

    def act(server: str, action: dict[str, object]) -> None:
        nova.send_once("POST", f"/servers/{server}/action", action)

    def shows(server: str, status: str, but: str | None = None) -> bool:
        """Whether Nova shows a status, no task, and another host than this one."""
        shown = nova.get(f"/servers/{server}")["server"]
        rests = shown["status"] == status and shown["OS-EXT-STS:task_state"] is None
        return rests and shown["OS-EXT-SRV-ATTR:host"] != but

    free = [
        row
        for row in NovaCollector(connection).collect().servers
        if row.status == "ACTIVE" and not row.pinned_zone and not row.groups
    ]
    small = sorted(free, key=lambda row: (row.memory_mb or 0, row.id))
    first, second = (row.id for row in small[:2])
    act(first, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    twice.compare_until(lambda: shows(first, "ACTIVE", small[0].host))
    for ending in ("confirmResize", "revertResize"):
        act(second, {"migrate": None})
        twice.compare_until(lambda: shows(second, "VERIFY_RESIZE"))
        act(second, {ending: None})
        twice.compare_until(lambda: shows(second, "ACTIVE"))
    [service, *_] = nova.get_list("/os-services", "services", {"binary": "nova-compute"})
    for status in ("disabled", "enabled"):
        nova.send_once("PUT", f"/os-services/{service['id']}", {"status": status})
        time.sleep(2)  # the host writes its trait when it gets the message
        twice.compare()

    host = NovaCollector(connection).collect().hosts[0].id
    at = f"/resource_providers/{host}"
    _change_in_placement(books, at, twice)


def _change_in_placement(books: CloudService, at: str, twice: _Twice) -> None:
    """An inventory, a trait, and an allocation that comes and goes without Nova's knowledge."""
    kept = books.get(f"{at}/inventories")
    one = kept["inventories"]["DISK_GB"]
    for reserved in (one["reserved"] + 1, one["reserved"]):
        generation = books.get(at)["generation"]
        body = {**one, "reserved": reserved, "resource_provider_generation": generation}
        books.send_once("PUT", f"{at}/inventories/DISK_GB", body)
        twice.compare()
    traits = books.get(f"{at}/traits")["traits"]
    for wanted in ([*traits, "HW_CPU_X86_SGX"], traits):
        generation = books.get(at)["generation"]
        body = {"traits": wanted, "resource_provider_generation": generation}
        books.send_once("PUT", f"{at}/traits", body)
        twice.compare()
    consumer, generation = str(uuid4()), books.get(at)["generation"]
    stray = {
        "allocations": {at.rpartition("/")[2]: {"resources": {"DISK_GB": 1}}},
        "project_id": str(uuid4()),
        "user_id": str(uuid4()),
        "consumer_generation": None,
        "consumer_type": "OTHER",
    }
    books.send_once("PUT", f"/allocations/{consumer}", stray)
    assert books.get(at)["generation"] == generation + 1
    twice.compare()
    books.send_once("DELETE", f"/allocations/{consumer}", None)
    assert books.get(at)["generation"] == generation + 1, "a deletion shows in the generation"
    twice.compare()
