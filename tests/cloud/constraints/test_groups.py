"""Affinity, AntiAffinity and the soft groups."""

import pytest

from application.ports.cloud import CloudUnreachable
from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

pytestmark = pytest.mark.cloud


def test_anti_affinity_refuses_the_hosts_of_other_members_only(
    ground: Situations, court: Court
) -> None:
    first, second, *_ = ground.names()
    group = ground.group("anti-affinity")
    server = ground.server(host=first, group=group)
    ground.server(host=second, group=group)
    found = court.everywhere(server)
    assert all(verdict.agreed for verdict in found.values()), found
    assert {host for host, v in found.items() if "AntiAffinity" in v.ours} == {second}
    assert found[second].ours == {"AntiAffinity"}


def test_anti_affinity_counts_up_to_the_members_that_a_group_allows_per_host(
    ground: Situations, court: Court
) -> None:
    first, second, *_ = ground.names()
    group = ground.group("anti-affinity", max_server_per_host=2)
    pair = [ground.server(host=first, group=group) for _ in range(2)]
    single = ground.server(host=second, group=group)
    third_there = court.judge(single, first)
    second_there = court.judge(pair[0], second)
    assert third_there.ours == {"AntiAffinity"}
    assert third_there.theirs
    assert second_there.ours == set()
    assert second_there.theirs is None


def test_members_of_an_anti_affinity_group_count_where_they_fly_from_and_where_they_fly_to(
    ground: Situations, court: Court
) -> None:
    """Nova's scheduler may let the second end pass: then the destination finds out, the answer is
    a 500, and the server is left in error. The rule protects against more than a refusal."""
    first, second, third, *_ = ground.names()
    group = ground.group("anti-affinity")
    flying = ground.server(host=first, group=group)
    server = ground.server(host=third, group=group)
    view = court.view()
    view.branch.start_move(view.model.server_places[flying], view.model.host_places[second])
    assert view.against(server, first) == view.against(server, second) == {"AntiAffinity"}
    with ground.flying(flying, second):
        assert court.nova(server, first)
        try:
            theirs = court.nova(server, second)
        except CloudUnreachable as error:
            theirs = str(error)
            assert ground.status(server) == "ERROR"
        assert ground.status(flying) == "MIGRATING"
    assert theirs


def test_affinity_holds_members_that_are_together_where_they_are(
    ground: Situations, court: Court
) -> None:
    first, second, third, *_ = ground.names()
    group = ground.group("affinity")
    server, _ = (ground.server(host=first, group=group) for _ in range(2))
    away = [court.judge(server, host) for host in (second, third)]
    assert [verdict.ours for verdict in away] == [{"Affinity"}] * 2
    assert all(verdict.theirs for verdict in away)


def test_a_lone_member_of_an_affinity_group_stays_where_it_is(
    ground: Situations, court: Court
) -> None:
    """Nova counts a server's own host among those of its group: such a move used to be called
    legal."""
    server = ground.server(host=ground.names()[0], group=ground.group("affinity"))
    found = court.judge(server, ground.names()[1])
    assert found.ours == {"Affinity"}
    assert found.theirs


@pytest.mark.parametrize("policy", ["soft-affinity", "soft-anti-affinity"])
def test_soft_groups_never_forbid_a_host(ground: Situations, court: Court, policy: str) -> None:
    first, second, *_ = ground.names()
    group = ground.group(policy)
    server = ground.server(host=first, group=group)
    ground.server(host=first if policy == "soft-affinity" else second, group=group)
    view = court.view()
    place, target = view.model.server_places[server], view.model.host_places[second]
    penalty = view.rules.soft_penalty(view.branch, place)
    assert penalty is not None
    assert penalty[target] > 0
    found = court.judge(server, second)
    assert found.ours == set()
    assert found.theirs is None
