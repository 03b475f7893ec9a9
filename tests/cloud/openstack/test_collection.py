"""The collector against a real Nova and a real Placement."""

import os

import pytest
from openstack.connection import Connection

from application.ports.cloud import CloudRefused
from domain.cluster.compute.model import ComputeModel
from domain.cluster_models.reasons import SERVICE_ABSENT
from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.openstack.service import placement

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
