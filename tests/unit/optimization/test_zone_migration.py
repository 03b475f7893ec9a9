"""zone_migration: the conformance vectors, and what it does about their undesirable parts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from application.commands.parameters import completed
from application.kernel.typed_values import typed
from application.records.decision import DecisionRecord, decode_record, encode
from domain.cluster.compute.records import ServerRow
from domain.cluster.kinds import ModelKind
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.kernel.errors import InvalidValue
from domain.optimization.context import StepBudget, StrategyContext
from domain.optimization.goals import global_efficacy
from domain.optimization.solution import Solution
from domain.optimization.strategies.zone_migration import PLAN_IS_FULL, ZoneMigration
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import GOALS, STRATEGIES
from vigil.testing import StrategyConformance, generated_cluster

ZONE = STRATEGIES["zone_migration"]
OLD, NEW, Z = "stor@old#a", "stor@new#b", "stor@z#z"
TO_C1 = {"compute_nodes": [{"src_node": "c0", "dst_node": "c1"}]}
WIDE = {"parallel_total": 50, "parallel_per_node": 50, "parallel_per_pool": 50}


class TestZoneMigration(StrategyConformance):
    strategy = ZoneMigration
    parameters: ClassVar[Mapping[str, object]] = {
        "compute_nodes": [{"src_node": one["name"]} for one in generated_cluster()["hosts"][:4]],
        **WIDE,
    }


def volume(number: int, size: int = 1, pool: str = OLD, **changes: Any) -> VolumeRow:
    """v<number>, available."""
    usual = {"pool": pool, "size_gb": size, "status": "available", "name": f"vol{number}"}
    return VolumeRow(f"v{number}", **{**usual, **changes})


def storage(*volumes: VolumeRow, types: Mapping[str, str | None] | None = None) -> StorageModel:
    """Three pools of 1000 GB; types by name with the backend that they request."""
    pools = [
        PoolRow(name, name.partition("@")[2].partition("#")[0], total_gb=1000, free_gb=900)
        for name in (OLD, NEW, Z)
    ]
    nodes = [StorageNodeRow(pool.backend) for pool in pools]
    kinds = [VolumeTypeRow(name, name, backend) for name, backend in (types or {}).items()]
    found, quarantined = StorageModel.build(nodes, pools, volumes, kinds)
    assert quarantined == ()
    return found


def context(
    servers: Sequence[ServerRow] = (),
    volumes: StorageModel | None = None,
    budget: StepBudget | None = None,
    /,
    **parameters: object,
) -> StrategyContext[Any]:
    whole = completed(dict(ZONE.parameters_schema), parameters)
    return StrategyContext(
        parameters=typed(whole, ZONE.parameters),
        compute=model([host(0), host(1), host(2)], list(servers)),
        storage=volumes,
        placement=PlacementPolicy(),
        budget=budget or StepBudget(),
    )


def solve(
    servers: Sequence[ServerRow] = (), volumes: StorageModel | None = None, /, **parameters: object
) -> Solution:
    found: Solution = ZONE.solve(context(servers, volumes, **parameters))
    return found


def brief(solution: Solution) -> list[str]:
    found = []
    for action in solution.actions:
        given = action.parameters
        kind = given["migration_type"]
        to = given.get("destination_node") or given.get("destination_type")
        found.append(f"{kind} {given['resource_name']} {to}")
    return found


def efficacy(solution: Solution) -> list[object]:
    figures = global_efficacy(GOALS["hardware_maintenance"], solution.indicators)
    return [one.value for one in figures]


def counts(solution: Solution, kind: str) -> tuple[float, float]:
    return solution.indicators[f"planned_{kind}_count"], solution.indicators[f"{kind}_count"]


def test_vector_z1_paused_and_failed_servers_stay() -> None:
    """The original plans a live migration of the paused one, which its applier then refuses."""
    states = ("active", "paused", "stopped", "error")
    servers = [server(number, 0, state=state) for number, state in enumerate(states)]
    solution = solve(servers, **TO_C1, parallel_per_node=10)
    assert brief(solution) == ["live vm0 c1", "cold vm2 c1"]
    assert counts(solution, "live_migrate_instance") == (1, 1)
    assert counts(solution, "cold_migrate_instance") == (1, 1)
    assert efficacy(solution) == [100.0, 100.0, 0.0, 0.0]


def test_vector_z2_the_plan_holds_two_servers_of_a_host() -> None:
    states = ("active", "active", "stopped")
    servers = [server(number, 0, state=state) for number, state in enumerate(states)]
    nodes = [{"src_node": "c0"}]
    solution = solve(servers, compute_nodes=nodes, priority={"compute": "vcpu_num"})
    assert [action.parameters["resource_name"] for action in solution.actions] == ["vm0", "vm1"]
    assert counts(solution, "live_migrate_instance") == (2, 2)
    assert counts(solution, "cold_migrate_instance") == (0, 1)
    assert [note.reason for note in solution.notes][1] == PLAN_IS_FULL
    assert solution.notes[1].facts["waiting"] == 1


@pytest.mark.parametrize(
    ("priority", "order"),
    [
        ({"compute": "vcpu_num", "project": ["P"]}, ["vm1", "vm2", "vm0"]),
        ({"project": ["P"], "compute": "vcpu_num"}, ["vm2", "vm1", "vm0"]),
    ],
    ids=("z3", "z4"),
)
def test_vectors_z3_z4_the_first_key_counts_most(
    priority: dict[str, object], order: list[str]
) -> None:
    servers = [
        server(0, 0, vcpus=1),
        server(1, 0, vcpus=4),
        server(2, 0, vcpus=2, project_id="P"),
    ]
    solution = solve(servers, **TO_C1, **WIDE, priority=priority)
    assert [action.parameters["resource_name"] for action in solution.actions] == order


def test_a_decision_record_keeps_the_order_of_the_keys_of_a_priority() -> None:
    """It sorted them: a run of the record served another key first than the user had asked for."""
    wanted = {"priority": {"project": ["P"], "compute": "vcpu_num"}, "parallel_total": 3}
    record = DecisionRecord(
        format=1,
        code="",
        goal="hardware_maintenance",
        strategy="zone_migration",
        planner="weight",
        planner_options={},
        parameters=wanted,
        seed=0,
        collected_at=context().at,
        scope=[],
        model=context().compute.to_columns(),
        metrics={},
        problems=[],
        model_digest="",
        model_age=0.0,
    )
    read: Any = decode_record(encode(record)).parameters
    assert list(read) == ["priority", "parallel_total"]
    assert list(read["priority"]) == ["project", "compute"]


def test_vector_z5_volumes_are_moved_or_retyped_by_their_type() -> None:
    """The original counts them as attached, too, which none of them is."""
    volumes = storage(
        volume(0, volume_type="t1"),
        volume(1, volume_type="t2"),
        volume(2, volume_type="t1"),
        types={"t1": None, "t2": None, "t9": None},
    )
    entries = [
        {"src_pool": OLD, "src_type": "t1", "dst_pool": Z},
        {"src_pool": OLD, "src_type": "t2", "dst_type": "t9"},
    ]
    solution = solve((), volumes, storage_pools=entries)
    assert brief(solution) == [f"migrate vol0 {Z}", "retype vol1 t9"]
    assert counts(solution, "volume_migrate") == (2, 3)
    assert counts(solution, "volume_update") == (0, 0)
    assert efficacy(solution)[2] == 66.67


def test_vector_z6_the_largest_volumes_first() -> None:
    volumes = storage(*(volume(number, number + 1) for number in range(4)))
    entries = [{"src_pool": OLD, "dst_pool": NEW}]
    solution = solve(
        (), volumes, storage_pools=entries, parallel_per_pool=5, priority={"storage": "size"}
    )
    names = [action.parameters["resource_name"] for action in solution.actions]
    assert names == ["vol3", "vol2", "vol1", "vol0"]
    assert counts(solution, "volume_migrate") == (4, 4)


def test_vector_z7_servers_follow_their_volumes() -> None:
    attached = volume(0, status="in-use", attachments=(Attachment("s0"),))
    entries = [{"src_pool": OLD, "dst_pool": NEW}]
    solution = solve(
        [server(0, 0), server(1, 0)],
        storage(attached),
        **TO_C1,
        storage_pools=entries,
        with_attached_volume=True,
    )
    assert brief(solution) == [f"migrate vol0 {NEW}", "live vm0 c1", "live vm1 c1"]
    assert counts(solution, "volume_update") == (1, 1)


def test_vector_z8_volumes_take_their_part_of_the_plan_first() -> None:
    solution = solve(
        [server(number, 0) for number in range(3)],
        storage(volume(0), volume(1)),
        **TO_C1,
        storage_pools=[{"src_pool": OLD, "dst_pool": NEW}],
        parallel_total=3,
        parallel_per_node=5,
        parallel_per_pool=5,
    )
    assert brief(solution) == [f"migrate vol0 {NEW}", f"migrate vol1 {NEW}", "live vm0 c1"]
    assert counts(solution, "live_migrate_instance") == (1, 3)
    assert counts(solution, "volume_migrate") == (2, 2)


def test_vector_z9_a_volume_that_has_the_type_already_stays() -> None:
    found = context(
        (),
        storage(volume(0, volume_type="t1"), types={"t1": None}),
        storage_pools=[{"src_pool": OLD, "dst_type": "t1"}],
    )
    solution = ZONE.solve(found)
    assert solution.actions == ()
    assert counts(solution, "volume_migrate") == (0, 1)
    (kept,) = found.alternatives.kept
    assert kept.because.facts["detail"] == "it has the type that it should get"


def test_the_storage_model_is_required_only_if_pools_are_listed() -> None:
    """The original fails in a cloud without Cinder, also if only hosts are listed."""
    alone = typed(TO_C1, ZONE.parameters)
    assert ZONE.requirements(alone).models == {ModelKind.COMPUTE}
    both = typed({"storage_pools": [{"src_pool": OLD, "dst_pool": NEW}]}, ZONE.parameters)
    assert ZONE.requirements(both).models == {ModelKind.COMPUTE, ModelKind.STORAGE}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"compute_nodes": [{"src_node": "c0", "dst_node": "c9"}]}, "compute_nodes[0].dst_node"),
        ({"storage_pools": [{"src_pool": OLD, "dst_pool": "x"}]}, "storage_pools[0].dst_pool"),
        ({"storage_pools": [{"src_pool": OLD, "dst_type": "x"}]}, "storage_pools[0].dst_type"),
    ],
)
def test_a_destination_that_does_not_exist_is_refused(
    parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        solve([server(0, 0)], storage(volume(0)), **parameters)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "entry",
    [
        {"src_pool": OLD},
        {"src_pool": OLD, "dst_pool": NEW, "dst_type": "t1"},
        {"dst_pool": NEW},
        {"src_pool": OLD, "dst_pool": NEW, "other": 1},
    ],
)
def test_an_entry_has_a_pool_and_either_a_destination_or_a_type(entry: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        completed(dict(ZONE.parameters_schema), {"storage_pools": [entry]})


def test_a_retype_within_the_pool_is_not_said_to_leave_the_zone() -> None:
    volumes = storage(volume(0, volume_type="t1"), types={"t1": "old", "t2": "old"})
    solution = solve((), volumes, storage_pools=[{"src_pool": OLD, "dst_type": "t2"}])
    (action,) = solution.actions
    facts = action.because.facts
    assert (facts["source"], facts["destination"], facts["left"]) == (OLD, OLD, 1)


def test_what_leaves_a_pool_makes_no_room_in_the_same_plan() -> None:
    """Two volumes change places: both are in both pools until they have been copied."""
    nodes = [StorageNodeRow("stor@old"), StorageNodeRow("stor@new")]
    pools = [
        PoolRow(OLD, "old", total_gb=100, free_gb=5),
        PoolRow(NEW, "new", total_gb=100, free_gb=20),
    ]
    rows = [volume(0, 10), volume(1, 10, NEW)]
    full, _ = StorageModel.build(nodes, pools, rows)
    entries = [{"src_pool": OLD, "dst_pool": NEW}, {"src_pool": NEW, "dst_pool": OLD}]
    assert brief(solve((), full, storage_pools=entries)) == [f"migrate vol0 {NEW}"]


def test_a_run_without_steps_left_says_so() -> None:
    found = context(
        [server(0, 0)],
        storage(volume(0), volume(1)),
        StepBudget(1),
        **TO_C1,
        storage_pools=[{"src_pool": OLD, "dst_pool": NEW}],
    )
    solution = ZONE.solve(found)
    assert brief(solution) == [f"migrate vol0 {NEW}"]
    details = [one.because.facts["detail"] for one in found.alternatives.kept]
    assert details == ["the step budget was spent"] * 2
