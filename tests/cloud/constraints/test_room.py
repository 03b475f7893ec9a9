"""Room: ratios, reserves, and the largest piece that a host gives to one server."""

import pytest

from domain.cluster.placement.rules.capacity import ROOM_HELD_BY_OTHERS
from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court, View

pytestmark = pytest.mark.cloud

RESOURCES = ("vcpus", "memory_mb", "disk_gb")


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_server_fits_to_the_last_unit_and_not_beyond(
    ground: Situations, court: Court, resource: str
) -> None:
    """What is left on the host, or the most that one server may have there: its physical total."""
    view = court.view()
    most = {host: most_for_one(view, host, resource) for host in ground.names()}
    target, home = min(most, key=most.__getitem__), max(most, key=most.__getitem__)
    if most[target] == most[home]:
        pytest.skip("every host has as much left")
    exact = ground.server(host=home, flavor=sized(ground, resource, most[target]))
    more = ground.server(host=home, flavor=sized(ground, resource, most[target] + 1))
    beyond = court.judge(more, target)
    within = court.judge(exact, target)
    ground.delete(exact)
    ground.delete(more)
    assert beyond.ours == {"Capacity"}
    assert beyond.theirs
    assert within.ours == set()
    assert within.theirs is None


def test_an_allocation_ratio_does_not_let_one_server_have_more_than_the_host(
    ground: Situations, court: Court
) -> None:
    """Placement's max_unit: such a move used to be called legal on hosts with a ratio."""
    view = court.view()
    total, free = totals(view, "vcpus"), view.free("vcpus")
    small = [h for h in ground.names() if total[h] < free[h]]
    pairs = [(total[t], t, h) for t in small for h in ground.names() if total[h] > total[t]]
    pairs = [(size, t, h) for size, t, h in pairs if free[h] > size]
    if not pairs:
        pytest.skip("no host with a ratio and more than its cores left, or none that is larger")
    size, target, home = min(pairs)
    server = ground.server(host=home, flavor=sized(ground, "vcpus", size + 1))
    found = court.judge(server, target)
    ground.delete(server)
    assert found.ours == {"Capacity"}
    assert found.theirs


def test_an_allocation_ratio_counts_for_all_servers_together(
    ground: Situations, court: Court
) -> None:
    """A host with a ratio is filled beyond its cores, to the last vCPU that it promises."""
    view = court.view()
    total, free = totals(view, "vcpus"), view.free("vcpus")
    ratios = dict(zip(view.model.hosts.name, view.model.hosts.cpu_ratio, strict=True))
    promising = [h for h in ground.names() if ratios[h] > 1 and free[h] > 2]
    if not promising:
        pytest.skip("no host has a ratio")
    target = min(promising, key=free.__getitem__)
    home = next(host for host in ground.names() if host != target)
    pair = [ground.server(host=home, flavor=sized(ground, "vcpus", n)) for n in (1, 2)]
    fillers = []
    left = free[target] - 1
    while left:
        piece = min(left, total[target])
        fillers.append(ground.server(host=target, flavor=sized(ground, "vcpus", piece)))
        left -= piece
    two, one = court.judge(pair[1], target), court.judge(pair[0], target)
    for server in (*pair, *fillers):
        ground.delete(server)
    assert two.ours == {"Capacity"}
    assert two.theirs
    assert one.ours == set()
    assert one.theirs is None


def test_room_that_a_move_of_somebody_else_holds_is_taken_before_it_lands(
    ground: Situations, court: Court
) -> None:
    """No list of servers tells where one is going, but Placement has booked it there."""
    flying, server, target = filling(ground, court)
    with ground.flying(flying, target):
        found = court.judge(server, target)
    landed = court.judge(server, target)
    ground.delete(flying)
    ground.delete(server)
    assert found.ours == {"Capacity"}
    assert found.theirs
    assert landed.ours == set()  # it was called back
    assert landed.theirs is None


def test_room_that_a_migration_may_come_back_to_is_taken(ground: Situations, court: Court) -> None:
    """Until a cold migration is confirmed, its source holds the server's room for it."""
    moving, server, home = filling(ground, court, leaving=True)
    back = {"revertResize": None}
    with ground.changed(moving, {"migrate": None}, "VERIFY_RESIZE", back):
        found = court.judge(server, home)
    ground.delete(moving)
    ground.delete(server)
    assert found.ours == {"Capacity"}
    assert found.theirs


@pytest.mark.parametrize("resource", RESOURCES)
def test_room_that_nobody_s_allocation_holds_is_taken(
    ground: Situations, court: Court, resource: str
) -> None:
    """Clouds leak allocations. The refusal names the consumer; without it the move is legal."""
    server = ground.server(host=ground.names()[0])
    target = ground.names()[-1]
    left = court.view().free(resource)[target]
    kinds = dict(zip(RESOURCES, ("VCPU", "MEMORY_MB", "DISK_GB"), strict=True))
    with ground.booked(target, **{kinds[resource]: left}) as consumer:
        found = court.judge(server, target)
        why = court.view().why(server, target)
    freed = court.judge(server, target)
    ground.delete(server)
    assert found.ours == {"Capacity"}
    assert found.theirs
    assert why.reason == ROOM_HELD_BY_OTHERS
    assert consumer in str(why.facts["holders"])
    assert freed.ours == set()
    assert freed.theirs is None


def filling(ground: Situations, court: Court, *, leaving: bool = False) -> tuple[str, str, str]:
    """A server that needs all the memory left on a host, a tiny one on a third, and that host.

    The first is on another host, or (``leaving``) on that host already.
    """
    free = court.view().free("memory_mb")
    home, *_, target = sorted(ground.names(), key=lambda host: -free[host])
    flavor = sized(ground, "memory_mb", free[target])
    first = ground.server(host=target if leaving else home, flavor=flavor)
    third = next(host for host in ground.names() if host not in {home, target})
    return first, ground.server(host=third), target


def sized(ground: Situations, resource: str, amount: int) -> str:
    wanted = {"vcpus": 1, "memory_mb": 64, "disk_gb": 1, resource: amount}
    return ground.flavor(vcpus=wanted["vcpus"], ram=wanted["memory_mb"], disk=wanted["disk_gb"])


def most_for_one(view: View, host: str, resource: str) -> int:
    return min(view.free(resource)[host], totals(view, resource)[host])


def totals(view: View, resource: str) -> dict[str, int]:
    hosts = view.model.hosts
    column = {"vcpus": hosts.vcpus, "memory_mb": hosts.memory_mb, "disk_gb": hosts.disk_gb}
    return {name: int(column[resource][at]) for at, name in enumerate(hosts.name)}
