"""storage_capacity_balance: the conformance vectors, and what it does about their defects."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from application.kernel.typed_values import typed
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.optimization.context import StepBudget, StrategyContext
from domain.optimization.selection import choose_strategy
from domain.optimization.solution import Solution
from domain.optimization.strategies.storage_capacity_balance import (
    NO_POOL_BELOW_THRESHOLD,
    NO_POOL_OVER_THRESHOLD,
    POOL_STAYS_OVER,
    POOLS_LEFT_OUT,
    POOLS_RELIEVED,
    CapacityOptions,
)
from tests.unit.cluster.build import host, model, server
from tests.world.optimization import weigh
from tests.world.plugins import STRATEGIES

BALANCE = STRATEGIES["storage_capacity_balance"]
P1, P2, P3 = "stor@b1#p1", "stor@b2#p2", "stor@b3#p3"


def pool(name: str, free: float | str | None, allocated: float = 0, **changes: Any) -> PoolRow:
    """100 GB, thick."""
    backend = name.partition("@")[2].partition("#")[0]
    usual = {"total_gb": 100, "free_gb": free, "allocated_gb": allocated}
    return PoolRow(name, backend, **{**usual, **changes})


def volume(number: int, size: int, at: str = P1, **changes: Any) -> VolumeRow:
    usual = {"name": f"v{number}", "pool": at, "size_gb": size, "status": "available"}
    return VolumeRow(f"id{number}", **{**usual, **changes})


def kind(name: str, backend: str | None, **specs: str) -> VolumeTypeRow:
    named = {"volume_backend_name": backend} if backend else {}
    return VolumeTypeRow(name, name, backend, {**named, **specs})


def storage(
    pools: Sequence[PoolRow], volumes: Sequence[VolumeRow], types: Sequence[VolumeTypeRow] = ()
) -> StorageModel:
    nodes = [StorageNodeRow(one.backend) for one in pools]
    found, quarantined = StorageModel.build(nodes, pools, volumes, types)
    assert quarantined == ()
    return found


def context(
    found: StorageModel, threshold: float = 80.0, steps: int = 1000
) -> StrategyContext[Any]:
    given: Mapping[str, object] = {"volume_threshold": threshold}
    servers = [server(0, 0), server(1, 0, state="stopped")]
    return StrategyContext(
        parameters=typed(given, BALANCE.parameters),
        options=CapacityOptions(),
        compute=model([host(0)], servers),
        storage=found,
        budget=StepBudget(steps),
    )


def brief(solution: Solution) -> list[str]:
    found = []
    for planned in weigh(solution):
        given = planned.action.parameters
        to = given.get("destination_node") or given.get("destination_type")
        found.append(f"{given['migration_type']} {given['resource_name']} {to}")
    return found


TWO = (pool(P1, 10, 90), pool(P2, 80, 20))


def test_vector_c1_detached_volumes_first_small_ones_first() -> None:
    """Of the original every audit that found something failed: its planner lacked the type."""
    attached: dict[str, Any] = {"status": "in-use", "attachments": (Attachment("s0"),)}
    rows = [
        volume(1, 5),
        volume(2, 3),
        volume(3, 4, **attached),
        volume(4, 1, **attached, bootable=True),
    ]
    solution = BALANCE.solve(context(storage(TWO, rows)))
    assert brief(solution) == [f"migrate v2 {P2}", f"migrate v1 {P2}", f"migrate v3 {P2}"]
    assert solution.indicators == {"instance_migrations_count": 0, "instances_count": 0}
    facts = solution.actions[-1].because.facts
    shown = [facts[key] for key in ("source_before", "source_after", "before", "after")]
    assert shown == [82.0, 78.0, 28.0, 32.0]


def test_vector_c2_volumes_get_a_type_that_differs_in_its_backend_only() -> None:
    rows = [volume(1, 5, volume_type="gold"), volume(2, 12, volume_type="gold")]
    types = [kind("gold", "b1", tier="x"), kind("silver", "b2"), kind("gold2", "b2", tier="x")]
    solution = BALANCE.solve(context(storage(TWO, rows, types)))
    assert brief(solution) == ["retype v1 gold2", "retype v2 gold2"]


def test_vector_c3_volumes_with_snapshots_or_in_migration_stay() -> None:
    rows = [volume(1, 5, snapshots=1), volume(2, 12, migration_status="migrating")]
    found = context(storage(TWO, rows))
    solution = BALANCE.solve(found)
    assert solution.actions == ()
    (note,) = solution.notes
    assert note.reason == POOL_STAYS_OVER
    assert [note.facts[key] for key in ("volumes", "moved", "fixed", "homeless")] == [2, 0, 2, 0]
    assert [one.subject.kind for one in found.alternatives.kept] == [  # type: ignore[union-attr]
        "pool",
        "volume",
        "volume",
    ]


def test_a_volume_keeps_its_type_if_the_other_pool_offers_it() -> None:
    rows = [volume(1, 12, volume_type="any")]
    types = [kind("any", None, tier="x"), kind("gold2", "b2", tier="x")]
    assert brief(BALANCE.solve(context(storage(TWO, rows, types)))) == [f"migrate v1 {P2}"]


@pytest.mark.parametrize(
    "types",
    [
        [kind("gold", "b1"), kind("private", "b2")],
        [kind("gold", "b1"), kind("better", "b2", tier="x")],
    ],
    ids=("private", "other specs"),
)
def test_a_type_that_the_owner_could_not_choose_or_would_notice_is_not_given(
    types: list[VolumeTypeRow],
) -> None:
    hidden = [
        VolumeTypeRow(one.id, one.name, one.backend_name, one.extra_specs, one.name != "private")
        for one in types
    ]
    rows = [volume(1, 12, volume_type="gold")]
    assert brief(BALANCE.solve(context(storage(TWO, rows, hidden)))) == []


def test_a_type_that_could_lead_back_to_a_full_pool_is_not_given() -> None:
    """Cinder chooses among all pools of a type. The original takes the first pool that fits."""
    pools = [pool(P1, 10, 90), pool(P2, 80, 20), pool("stor@b2#p9", 5, 95)]
    rows = [volume(1, 12, volume_type="gold")]
    types = [kind("gold", "b1"), kind("gold2", "b2")]
    built, _ = StorageModel.build(
        [StorageNodeRow("stor@b1"), StorageNodeRow("stor@b2")], pools, rows, types
    )
    assert brief(BALANCE.solve(context(built))) == []


def test_a_pool_of_unknown_capacity_is_left_out() -> None:
    """The original failed with a TypeError."""
    pools = [*TWO, pool(P3, None, total_gb=None), pool("stor@b4#local_vstorage", 99)]
    solution = BALANCE.solve(context(storage(pools, [volume(1, 12)])))
    assert brief(solution) == [f"migrate v1 {P2}"]
    note = solution.notes[1]
    assert note.reason == POOLS_LEFT_OUT
    assert (note.facts["unknown"], note.facts["excluded"]) == (1, 1)


def test_a_destination_stays_below_the_threshold_whatever_is_moved_there() -> None:
    pools = [pool(P1, 0, 100), pool(P2, 40, 60)]
    solution = BALANCE.solve(context(storage(pools, [volume(n, 9) for n in range(5)])))
    assert len(solution.actions) == 2
    assert solution.actions[-1].because.facts["after"] == 78.0
    assert [note.reason for note in solution.notes] == [POOLS_RELIEVED, POOL_STAYS_OVER]
    assert str(solution.notes[0]).startswith(f"2 volumes leave {P1}; 0 of 1 pools that are over ")
    assert solution.notes[1].facts["homeless"] == 3


def test_an_empty_solution_says_what_came_nearest() -> None:
    calm = BALANCE.solve(context(storage(TWO, [volume(1, 5)]), 95.0))
    assert [note.reason for note in calm.notes] == [NO_POOL_OVER_THRESHOLD]
    assert (calm.notes[0].facts["pool"], calm.notes[0].facts["used"]) == (P1, 90.0)
    full = BALANCE.solve(context(storage(TWO, [volume(1, 5)]), 15.0))
    assert [note.reason for note in full.notes] == [NO_POOL_BELOW_THRESHOLD]
    assert (full.notes[0].facts["pool"], full.notes[0].facts["used"]) == (P2, 20.0)


def test_a_run_without_steps_left_keeps_what_it_has() -> None:
    found = context(storage(TWO, [volume(n, 3) for n in range(5)]), steps=2)
    solution = BALANCE.solve(found)
    assert len(solution.actions) == 2
    details = {one.because.facts.get("detail") for one in found.alternatives.kept[1:]}
    assert details == {"the step budget was spent"}


def test_an_audit_without_a_strategy_still_balances_servers() -> None:
    """By name it would be this one, which no audit of a cloud without Cinder could run."""
    assert choose_strategy(STRATEGIES, "workload_balancing").name == "workload_balance"
