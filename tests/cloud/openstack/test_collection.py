"""The collector against a real Nova and a real Placement."""

import os
from collections.abc import Iterator

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudRefused
from domain.cluster.compute import ComputeModel
from infrastructure.openstack.collector import NovaCollector
from infrastructure.openstack.connection import Limits, connect
from infrastructure.openstack.service import placement

pytestmark = pytest.mark.cloud
_ATTEMPTS = 5


@pytest.fixture
def connection() -> Iterator[Connection]:
    name = os.environ.get("VIGIL_TEST_CLOUD")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD does not name a cloud")
    connection = connect(name)
    yield connection
    connection.session.session.close()


def test_what_servers_are_allocated_adds_up_to_placements_usages(connection: Connection) -> None:
    """Others may use the cloud meanwhile: it must add up once in a few attempts."""
    inventory = placement(connection, Limits())
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
        if model.allocated[:3].tolist() == placed:
            return
    assert model.allocated[:3].tolist() == placed


def test_a_page_size_changes_the_requests_and_nothing_else(connection: Connection) -> None:
    whole = NovaCollector(connection).collect()
    paged = NovaCollector(connection, Limits(page=3)).collect()
    assert {host.id for host in paged.hosts} == {host.id for host in whole.hosts}
    assert {server.id for server in paged.servers} == {server.id for server in whole.servers}
    assert paged.calls > whole.calls


def test_a_plain_member_is_refused(connection: Connection) -> None:
    name = os.environ.get("VIGIL_TEST_CLOUD_MEMBER")
    if not name:
        pytest.skip("VIGIL_TEST_CLOUD_MEMBER does not name a member's entry")
    member = connect(name)
    with pytest.raises(CloudRefused):
        NovaCollector(member).collect()
    member.session.session.close()
