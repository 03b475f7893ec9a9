"""A move waits for what it depends on, and only for that."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.kernel.reasons import Cause
from domain.optimization.context import PlanContext
from domain.optimization.planners.workload_stabilization import WorkloadStabilizationPlanner
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS
from domain.plans.action_types import disable_host, enable_host, migrate, switch_power
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.plans.verification import verify_plan
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES

WHY = Cause(REQUESTED_BY_PARAMETERS, {"strategy": "test"})


def planned(built: ComputeModel, *actions: ProposedAction) -> list[PlannedAction]:
    """The weight planner's plan, which the verifier accepts."""
    found = list(weigh(Solution(actions), built))
    assert verify_plan(built, found, action_types=ACTION_TYPES) == []
    return found


def edges(found: list[PlannedAction]) -> Mapping[str, set[str]]:
    """Resource → the resources whose actions it waits for; all of them differ."""
    names = [one.action.resource_id for one in found]
    return {names[at]: {names[p] for p in one.parents} for at, one in enumerate(found)}


def move(built: ComputeModel, number: int, to: int, **source: Any) -> ProposedAction:
    return migrate(built, number, to, "live", WHY, **source)


def full(*hosts: int) -> list[Any]:
    """A server of 16 vCPUs on each of some hosts, which it fills."""
    return [server(number, at, vcpus=16) for number, at in enumerate(hosts)]


def test_a_move_that_needs_room_waits_for_the_move_that_makes_it_and_for_no_other() -> None:
    built = model([host(n) for n in range(5)], [*full(0, 1), server(2, 3), server(3, 1, vcpus=0)])
    found = planned(built, move(built, 0, 2), move(built, 2, 4), move(built, 1, 0))
    assert edges(found) == {"s0": set(), "s2": set(), "s1": {"s0"}}
    assert found[2].requires == found[2].parents, "without that room the cloud would refuse it"


def test_a_move_that_fits_does_not_wait_for_those_that_leave_its_destination() -> None:
    built = model([host(n) for n in range(3)], [server(0, 0), server(1, 1)])
    assert edges(planned(built, move(built, 0, 2), move(built, 1, 0))) == {"s0": set(), "s1": set()}


def test_of_several_moves_off_a_host_only_the_one_that_suffices_is_waited_for() -> None:
    small, large, coming = server(0, 0, vcpus=2), server(1, 0, vcpus=14), server(2, 1, vcpus=12)
    built = model([host(n) for n in range(4)], [small, large, coming])
    found = planned(built, move(built, 0, 2), move(built, 1, 3), move(built, 2, 0))
    assert edges(found)["s2"] == {"s1"}


def test_two_moves_that_need_the_same_room_wait_for_different_moves() -> None:
    servers = [server(n, 0, vcpus=8) for n in range(2)] + [server(n, 1, vcpus=8) for n in (2, 3)]
    built = model([host(n) for n in range(4)], servers)
    moves = [move(built, 0, 2), move(built, 1, 3), move(built, 2, 0), move(built, 3, 0)]
    found = edges(planned(built, *moves))
    assert (found["s2"], found["s3"]) == ({"s0"}, {"s1"})


def test_the_check_sees_a_move_that_waits_for_too_little_room() -> None:
    """The control of the tests above: both wait for the same half of the room."""
    servers = [server(n, 0, vcpus=8) for n in range(2)] + [server(n, 1, vcpus=8) for n in (2, 3)]
    built = model([host(n) for n in range(4)], servers)
    moves = [move(built, 0, 2), move(built, 1, 3), move(built, 2, 0), move(built, 3, 0)]
    wrong = [PlannedAction(one, (0,) if at > 1 else ()) for at, one in enumerate(moves)]
    found = verify_plan(built, wrong, action_types=ACTION_TYPES)
    assert {(one.place, one.rule) for one in found} == {(2, "Capacity"), (3, "Capacity")}


def test_moves_that_are_listed_before_the_room_is_made_are_put_behind_it() -> None:
    built = model([host(n) for n in range(3)], full(0, 1))
    found = planned(built, move(built, 1, 0), move(built, 0, 2))
    assert edges(found) == {"s0": set(), "s1": {"s0"}}


def test_a_parking_move_of_the_strategy_breaks_the_circle() -> None:
    built = model([host(n) for n in range(3)], full(0, 1))
    parked, back = move(built, 0, 2), move(built, 0, 1, source=2)
    found = planned(built, parked, move(built, 1, 0), back)
    assert [one.parents for one in found] == [(), (0,), (0, 1)]


def test_a_resize_and_a_move_of_one_server_group_are_not_in_progress_at_once() -> None:
    """Nova may move a server that it resizes: both could land on one host."""
    members = GroupRow("g", policy="anti-affinity", members=("s0", "s1"))
    built = model([host(n) for n in range(3)], [server(0, 0), server(1, 1)], (members,))
    resized = ProposedAction("resize", "s0", {"flavor": "large"}, WHY)
    planner = WorkloadStabilizationPlanner()
    context = PlanContext(options=planner.options(), compute=built)
    for actions in ((resized, move(built, 1, 2)), (move(built, 1, 2), resized)):
        found = planner.plan(Solution(actions), context)
        assert [one.parents for one in found] == [(), (0,)]


@pytest.mark.parametrize("policy", ["anti-affinity", "soft-anti-affinity", "soft-affinity"])
def test_members_of_a_server_group_move_one_after_the_other(policy: str) -> None:
    members = GroupRow("g", policy=policy, members=("s0", "s1", "s2"))
    built = model([host(n) for n in range(6)], [server(n, n) for n in range(3)], (members,))
    found = planned(built, *(move(built, n, n + 3) for n in range(3)))
    assert edges(found) == {"s0": set(), "s1": {"s0"}, "s2": {"s0", "s1"}}


def test_hosts_are_enabled_before_and_disabled_and_switched_off_after_their_moves() -> None:
    hosts = [host(0), host(1, status="disabled"), host(2), host(3)]
    built = model(hosts, [server(0, 0), server(1, 2)])
    found = planned(
        built,
        enable_host(built, 1, WHY),
        move(built, 0, 1),
        move(built, 1, 3),
        disable_host(built, 0, WHY, "watcher_disabled"),
        switch_power("node-0", "c0", WHY, on=False),
    )
    names = [one.action.resource_id for one in found]
    requires = {names[at]: {names[r] for r in one.requires} for at, one in enumerate(found)}
    assert requires == {
        "h1": set(),
        "s0": {"h1"},
        "h0": {"s0"},
        "node-0": {"h0", "s0"},
        "s1": set(),
    }
