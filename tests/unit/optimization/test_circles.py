"""Moves that wait for each other's room: a third host breaks the circle, or the plan is refused."""

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow
from domain.optimization.efficacy import MIGRATIONS, as_planned
from domain.optimization.planner import PlanImpossible
from domain.optimization.planners.sequence import MOVES_IN_CIRCLE, PARKS_SERVER
from domain.plans.action_types import disable_host
from domain.plans.proposal import PlannedAction
from tests.unit.cluster.build import host, model, server
from tests.unit.optimization.test_dependencies import WHY, full, move, planned


def ends(found: list[PlannedAction]) -> list[tuple[str, object, object]]:
    """Server, source and destination of each move."""
    actions = (one.action for one in found if one.action.type == "migrate")
    return [
        (one.resource_id, one.parameters["source_node"], one.parameters["destination_node"])
        for one in actions
    ]


def swap(built: ComputeModel) -> list[PlannedAction]:
    return planned(built, move(built, 0, 1), move(built, 1, 0))


def test_two_servers_change_places_by_way_of_a_third_host() -> None:
    """The run failed with plan-breaks-rule, although c2 was empty."""
    built = model([host(n) for n in range(3)], full(0, 1))
    found = swap(built)
    assert ends(found) == [("s0", "c0", "c2"), ("s1", "c1", "c0"), ("s0", "c2", "c1")]
    assert [one.parents for one in found] == [(), (0,), (0, 1)]
    parked = found[0].action.because
    assert parked.reason == PARKS_SERVER
    assert "vm0, vm1 wait for each other" in str(parked)
    assert found[2].action.because == WHY
    assert as_planned({MIGRATIONS: 2, "instances_count": 9}, found)[MIGRATIONS] == len(found)
    assert as_planned({"instances_count": 9}, found) == {"instances_count": 9}


def test_the_smallest_server_that_finds_a_place_is_parked() -> None:
    large, small = server(0, 0, vcpus=16, memory_mb=8192), server(1, 1, vcpus=16, memory_mb=4096)
    built = model([host(n) for n in range(3)], [large, small])
    assert ends(swap(built))[0] == ("s1", "c1", "c2")


def test_a_server_is_parked_only_where_the_placement_rules_allow_it() -> None:
    """c2 holds a member of the server group of s0."""
    servers = [*full(0, 1), server(2, 2, vcpus=0)]
    apart = GroupRow("g", policy="anti-affinity", members=("s0", "s2"))
    built = model([host(n) for n in range(3)], servers, (apart,))
    assert ends(swap(built))[0] == ("s1", "c1", "c2")


def test_a_circle_of_three_needs_one_parking_move() -> None:
    built = model([host(n) for n in range(4)], full(0, 1, 2))
    found = planned(built, move(built, 0, 1), move(built, 1, 2), move(built, 2, 0))
    assert len(found) == 4
    assert ends(found)[0] == ("s0", "c0", "c3")
    assert ends(found)[-1] == ("s0", "c3", "c1")


def test_two_circles_are_broken_one_after_the_other() -> None:
    built = model([host(n) for n in range(5)], full(0, 1, 2, 3))
    moves = [move(built, 0, 1), move(built, 1, 0), move(built, 2, 3), move(built, 3, 2)]
    assert len(planned(built, *moves)) == 6


@pytest.mark.parametrize(
    "third",
    [[], [host(2, status="disabled")], [host(2, vcpus=8)]],
)
def test_a_circle_that_no_host_can_break_is_reported_with_its_servers(third: list[object]) -> None:
    built = model([host(0), host(1), *third], full(0, 1))  # type: ignore[list-item]
    with pytest.raises(PlanImpossible) as refused:
        swap(built)
    assert refused.value.because.reason == MOVES_IN_CIRCLE
    assert "the moves of vm0, vm1 wait for each other's room" in str(refused.value)


def test_no_server_is_parked_on_a_host_that_the_plan_closes() -> None:
    built = model([host(n) for n in range(3)], full(0, 1))
    with pytest.raises(PlanImpossible):
        planned(
            built, move(built, 0, 1), move(built, 1, 0), disable_host(built, 2, WHY, "maintenance")
        )
