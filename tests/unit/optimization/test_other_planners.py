"""The planners ``workload_stabilization`` and ``node_resource_consolidation``."""

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.kernel.errors import InvalidValue
from domain.optimization.context import PlanContext
from domain.optimization.planners.node_resource_consolidation import (
    NodeResourceConsolidationPlanner,
)
from domain.optimization.planners.workload_stabilization import (
    StabilizationOptions,
    WorkloadStabilizationPlanner,
)
from domain.optimization.solution import Solution
from domain.plans.proposal import PlannedAction, ProposedAction
from tests.unit.optimization.test_weight_planner import action, move, switch

EMPTY, _ = ComputeModel.build((), (), (), ())


def stabilization(*actions: ProposedAction, **weights: object) -> list[PlannedAction]:
    plain = StabilizationOptions().weights
    options = StabilizationOptions({**plain, **weights})  # type: ignore[dict-item]
    context = PlanContext(options=options, compute=EMPTY)
    return list(WorkloadStabilizationPlanner().plan(Solution(actions), context))


def consolidation(*actions: ProposedAction) -> list[PlannedAction]:
    planner = NodeResourceConsolidationPlanner()
    context = PlanContext(options=planner.options(), compute=EMPTY)
    return list(planner.plan(Solution(actions), context))


def edges(planned: list[PlannedAction]) -> list[tuple[str, set[str]]]:
    """Each action in the plan's order, with what it waits for."""
    names = [one.action.resource_id or one.action.type for one in planned]
    return [(names[at], {names[p] for p in one.parents}) for at, one in enumerate(planned)]


def test_stabilization_starts_all_actions_at_once_heavier_types_first() -> None:
    """Vector P2 of the contract."""
    moves = [move(f"m{n}", f"a{n}", f"b{n}") for n in range(4)]
    states = [action("sleep"), switch("c1", "enabled"), action("nop")]
    assert edges(stabilization(*moves, *states)) == [
        ("nop", set()),
        ("id-c1", set()),
        ("sleep", set()),
        *((f"m{n}", set()) for n in range(4)),
    ]


def test_stabilization_resizes_a_server_after_its_migration() -> None:
    planned = stabilization(action("resize", "m"), move("m", "a", "b"), action("resize", "other"))
    assert edges(planned) == [("m", set()), ("m", {"m"}), ("other", set())]


@pytest.mark.parametrize("kind", ["volume_migrate", "stop", "change_node_power_state"])
def test_stabilization_accepts_types_without_a_weight(kind: str) -> None:
    """A plan with a volume to migrate could not be made: storage_capacity_balance always failed."""
    planned = stabilization(action(kind, "x", state=""), action("nop"))
    assert edges(planned) == [("nop", set()), ("x", set())]


def test_stabilization_compares_weights_of_a_configuration_file_as_numbers() -> None:
    planned = stabilization(action("sleep"), action("nop"), sleep="10", nop="9")
    assert [one.action.type for one in planned] == ["sleep", "nop"]
    with pytest.raises(InvalidValue, match=r"weights\[nop\]: must be a whole number"):
        stabilization(nop="many")


def test_stabilization_disables_a_host_after_the_moves_off_it() -> None:
    planned = stabilization(move("m", "c1", "c2"), switch("c1", "disabled"))
    assert edges(planned) == [("m", set()), ("id-c1", {"m"})]
    assert planned[1].requires == (0,)


def test_consolidation_disables_then_empties_hosts_side_by_side_then_enables() -> None:
    """Vector P3 of the contract."""
    moves = [move(f"m{n}", "c0" if n < 2 else "c5", f"d{n}") for n in range(4)]
    planned = consolidation(
        *moves, switch("c0", "disabled"), switch("c5", "disabled"), switch("c0", "enabled")
    )
    names = [one.action.resource_id for one in planned]
    assert names == ["id-c0", "id-c5", "m0", "m1", "m2", "m3", "id-c0"]
    assert [set(one.parents) - {0} for one in planned[-1:]] == [{2, 3, 4, 5} & {2, 3, 5}]
    assert [one.parents for one in planned[:-1]] == [(), (), (0, 1), (0, 1, 2), (0, 1), (0, 1, 4)]


def test_consolidation_enables_a_host_that_a_move_needs_first() -> None:
    planned = consolidation(move("m", "c0", "c1"), switch("c1", "enabled"))
    assert edges(planned) == [("id-c1", set()), ("m", {"id-c1"})]
    assert planned[1].requires == (0,)


def test_consolidation_accepts_other_types_at_the_end() -> None:
    planned = consolidation(action("nop"), move("m", "c0", "c1"), switch("c0", "disabled"))
    assert edges(planned) == [("id-c0", set()), ("m", {"id-c0"}), ("nop", {"m"})]


def test_consolidation_of_a_thousand_servers_has_few_edges() -> None:
    """Each move waited for each disabling: 1,000 x 100 edges."""
    moves = [move(f"m{n}", f"c{n % 100}", f"d{n}") for n in range(1000)]
    disables = [switch(f"c{n}", "disabled") for n in range(100)]
    planned = consolidation(*moves, *disables)
    assert sum(len(one.parents) for one in planned) < 20_000
    assert set(planned[100].parents) == set(range(100))


@pytest.mark.parametrize("plan", [stabilization, consolidation])
def test_an_empty_solution_is_an_empty_plan(plan: object) -> None:
    """Vector P4 of the contract."""
    assert callable(plan)
    assert plan() == []
