"""The verifier's rules for volumes: a plan without a violation is legal at every prefix."""

from typing import Any

import pytest

from application.kernel.plan_checks import plan_refused
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.steps import LoggedStep
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.kernel.reasons import Cause
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS
from domain.plans.action_types import migrate
from domain.plans.action_types.volume_migrate import migrate_volume, retype_volume
from domain.plans.proposal import PlannedAction
from domain.plans.verification import PLAN_BREAKS_VOLUME_RULE, refusal, verify_plan
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import ACTION_TYPES

BECAUSE = Cause(REQUESTED_BY_PARAMETERS, {"strategy": "a"})
OLD, NEW, SLOW = 0, 1, 2
COMPUTE = model([host(0), host(1)], [server(0, 0), server(1, 0, state="stopped")])


def volume(number: int, **changes: Any) -> VolumeRow:
    usual: dict[str, Any] = {"pool": "s@a#old", "size_gb": 10, "status": "available"}
    return VolumeRow(f"v{number}", **{**usual, "volume_type": "fast", **changes})


def storage(
    *volumes: VolumeRow, free: float | None = 15, kinds: tuple[str, ...] = (), **node: Any
) -> StorageModel:
    """Two fast pools, ``old`` and ``new``, and a slow one; ``node``: changes of new's backend."""
    built, rejected = StorageModel.build(
        [
            StorageNodeRow("s@a", zone="az1"),
            StorageNodeRow("s@b", **{"zone": "az1", **node}),
            StorageNodeRow("s@c"),
        ],
        [
            PoolRow("s@a#old", "fast", total_gb=100, free_gb=0),
            PoolRow("s@b#new", "fast", total_gb=100, free_gb=free, thick=True),
            PoolRow("s@c#slow", "slow", total_gb=100, free_gb=100, thick=True),
        ],
        volumes,
        [VolumeTypeRow(kind, kind, kind) for kind in ("fast", "slow", *kinds)],
    )
    assert rejected == ()
    return built


def to(built: StorageModel, number: int, pool: int, *parents: int) -> PlannedAction:
    return PlannedAction(migrate_volume(built, number, pool, BECAUSE), parents)


def typed(built: StorageModel, number: int, kind: str, *parents: int) -> PlannedAction:
    return PlannedAction(retype_volume(built, number, kind, BECAUSE), parents)


def broken(
    built: StorageModel, plan: list[PlannedAction], *start: LoggedStep
) -> list[tuple[int, str]]:
    found = verify_plan(COMPUTE, plan, start=start, action_types=ACTION_TYPES, storage=built)
    return [(one.place, one.rule) for one in found]


def attached(*servers: str) -> dict[str, Any]:
    return {"status": "in-use", "attachments": tuple(Attachment(one) for one in servers)}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        ({"status": "error"}, "VolumeState"),
        ({"migration_status": "migrating"}, "VolumeState"),
        ({"snapshots": 1}, "VolumeSnapshots"),
        (attached("s0"), None),
        (attached("s1"), "VolumeAttachments"),
        (attached("s0", "elsewhere"), "VolumeAttachments"),
        ({"size_gb": 16}, "PoolCapacity"),
        ({"volume_type": "slow"}, "PoolOfType"),
        ({"zone": "az2"}, "PoolZone"),
        ({"pool": "s@b#new"}, "NotCurrentPool"),
    ],
)
def test_a_volume_that_may_not_be_moved_is_found(changes: dict[str, Any], rule: str | None) -> None:
    """The verifier replayed no volume: each of these plans was published."""
    built = storage(volume(0, **changes))
    assert broken(built, [to(built, 0, NEW)]) == ([(0, rule)] if rule else [])


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"state": "down"}, "BackendUp"),
        ({"status": "disabled"}, "BackendEnabled"),
        ({"zone": "az2"}, "PoolZone"),
    ],
)
def test_a_pool_that_may_not_get_the_volume_is_found(changes: dict[str, Any], rule: str) -> None:
    built = storage(volume(0, zone="az1"), **changes)
    assert broken(built, [to(built, 0, NEW)]) == [(0, rule)]


def test_a_pool_of_unknown_capacity_gets_no_volume() -> None:
    built = storage(volume(0), free=None)
    assert broken(built, [to(built, 0, NEW)]) == [(0, "PoolCapacity")]


def test_two_volumes_that_may_be_in_progress_at_once_need_room_together() -> None:
    built = storage(volume(0), volume(1))
    assert broken(built, [to(built, 0, NEW), to(built, 1, NEW)]) == [
        (0, "PoolCapacity"),
        (1, "PoolCapacity"),
    ]
    assert broken(built, [to(built, 0, NEW), to(built, 1, NEW, 0)]) == [(1, "PoolCapacity")]


def test_what_has_left_a_pool_makes_room_there_only_when_its_move_has_ended() -> None:
    built = storage(volume(0, pool="s@b#new", size_gb=10), volume(1, size_gb=20))
    leaves = typed(built, 0, "slow")
    assert broken(built, [leaves, to(built, 1, NEW, 0)]) == []
    assert broken(built, [leaves, to(built, 1, NEW)]) == [(1, "PoolCapacity")]


def test_a_new_type_needs_a_pool_that_has_it() -> None:
    built = storage(volume(0), volume(1, size_gb=101), kinds=("gone",))
    assert broken(built, [typed(built, 0, "slow")]) == []
    assert broken(built, [typed(built, 0, "gone")]) == [(0, "PoolOfType")]
    assert broken(built, [typed(built, 1, "slow")]) == [(0, "PoolCapacity")]
    assert broken(built, [typed(built, 0, "slow"), to(built, 0, NEW, 0)]) == [(1, "PoolOfType")]


def test_a_volume_is_not_copied_while_it_or_its_server_is_in_progress() -> None:
    built = storage(volume(0, **attached("s0")))
    server_moves = migrate(COMPUTE, 0, 1, "live", BECAUSE)
    assert broken(built, [PlannedAction(server_moves, ()), to(built, 0, NEW)]) == [
        (1, "OneAtATime")
    ]
    assert broken(built, [PlannedAction(server_moves, ()), to(built, 0, NEW, 0)]) == []


def test_an_action_on_what_the_model_lacks_is_found() -> None:
    built, other = storage(volume(0)), storage(volume(1))
    assert broken(other, [to(built, 0, NEW)]) == [(0, "Known")]


def test_the_steps_before_a_plan_count() -> None:
    built = storage(volume(0), volume(1))
    assert broken(built, [to(built, 1, NEW)], ["move-volume", "v0", "s@b#new"]) == [
        (0, "PoolCapacity")
    ]
    assert broken(built, [to(built, 0, NEW)], ["retype", "v0", "slow"]) == [(0, "PoolOfType")]


def test_a_plan_that_is_refused_names_volume_pool_and_rule() -> None:
    built = storage(volume(0, name="data", snapshots=1))
    plan = [to(built, 0, NEW)]
    found = verify_plan(COMPUTE, plan, action_types=ACTION_TYPES, storage=built)
    cause = refusal(plan, found, ("mine", "weight"))
    assert cause.reason == PLAN_BREAKS_VOLUME_RULE
    assert "volume data to s@b#new by rule VolumeSnapshots" in str(cause)


def test_the_id_of_a_volume_of_a_cluster_file_need_not_be_a_uuid() -> None:
    """The plan for an anonymised file was refused: resource_id must be a UUID."""
    built = storage(volume(0))
    plan = [to(built, 0, NEW)]
    made_by = ("mine", "weight")
    rules = PlacementPolicy()
    found = plan_refused(
        plan, COMPUTE, None, rules, made_by=made_by, action_types=ACTION_TYPES, storage=built
    )
    assert found is None
