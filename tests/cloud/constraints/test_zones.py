"""Zone."""

import pytest

from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

pytestmark = pytest.mark.cloud


def test_a_pinned_server_may_go_to_every_host_of_its_zone_and_no_other(
    ground: Situations, court: Court
) -> None:
    zone, inside = max(zones(ground).items(), key=lambda item: len(item[1]))
    server = ground.server(zone=zone)
    found = court.everywhere(server)
    assert all(verdict.agreed for verdict in found.values()), found
    outside = {host for host, verdict in found.items() if "AvailabilityZone" in verdict.ours}
    assert outside == set(found) - set(inside)
    assert all(found[host].ours == {"AvailabilityZone"} for host in outside)


def test_an_unpinned_server_may_change_zones_though_we_keep_it_by_default(
    ground: Situations, court: Court, plain: str
) -> None:
    """Stricter than Nova, on purpose: volumes, ports and owners care for zones."""
    here = ground.settled(plain)
    [abroad] = [hosts[0] for hosts in zones(ground).values() if here not in hosts][:1]
    assert court.view(keep_zone=True).against(plain, abroad) == {"AvailabilityZone"}
    roaming = court.judge(plain, abroad)
    assert roaming.ours == set()
    assert roaming.theirs is None


def zones(ground: Situations) -> dict[str, list[str]]:
    found = dict(ground.zones())
    if len(found) < 2:
        pytest.skip("the cloud has one zone only")
    return found
