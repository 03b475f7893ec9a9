"""Counts of changes of storage and bare-metal models."""

from typing import Any

import pytest

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow
from domain.cluster_models import Counts
from domain.cluster_models.diff import baremetal_changes, storage_changes

NODES = [StorageNodeRow("a@lvm", "z"), StorageNodeRow("b@ceph", "z")]
POOLS = [PoolRow("a@lvm#1", total_gb=100, free_gb="unknown"), PoolRow("b@ceph#1", total_gb=50)]


def volume(number: int, pool: str | None, **changes: Any) -> VolumeRow:
    fields: dict[str, Any] = {"size_gb": 5, "bootable": "false", "multiattach": False}
    return VolumeRow(id=f"v{number}", pool=pool, **{**fields, "encrypted": False, **changes})


VOLUMES = [volume(1, "a@lvm#1"), volume(2, "b@ceph#1"), volume(3, None)]


def storage(
    nodes: list[StorageNodeRow], pools: list[PoolRow], volumes: list[VolumeRow]
) -> StorageModel:
    model, quarantined = StorageModel.build(nodes, pools, volumes)
    assert not quarantined
    return model


def differing(
    nodes: list[StorageNodeRow] = NODES,
    pools: list[PoolRow] = POOLS,
    volumes: list[VolumeRow] = VOLUMES,
) -> Counts:
    return told(storage_changes(storage(NODES, POOLS, VOLUMES), storage(nodes, pools, volumes)))


def told(counts: Counts) -> Counts:
    """The counts that are not 0."""
    return {name: count for name, count in counts.items() if count}


def test_the_same_storage_has_no_changes_also_where_capacities_are_not_known() -> None:
    """Not-a-number is not equal to itself; what is unknown before and after did not change."""
    assert differing(NODES[::-1], POOLS[::-1], VOLUMES[::-1]) == {}


def test_before_the_first_storage_model_there_was_nothing() -> None:
    counts = storage_changes(None, storage(NODES, POOLS, VOLUMES))
    assert told(counts) == {"backends_added": 2, "pools_added": 2, "volumes_added": 3}


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([volume(1, "b@ceph#1"), *VOLUMES[1:]], {"volumes_moved": 1}),
        ([volume(1, "b@ceph#1", status="in-use"), *VOLUMES[1:]], {"volumes_moved": 1}),
        ([volume(1, None), *VOLUMES[1:]], {"volumes_moved": 1}),
        ([*VOLUMES[:2], volume(3, "a@lvm#1")], {"volumes_moved": 1}),
        ([volume(1, "a@lvm#1", size_gb=9), *VOLUMES[1:]], {"volumes_changed": 1}),
        ([*VOLUMES[:2], volume(3, None, status="error")], {"volumes_changed": 1}),
        ([VOLUMES[0], volume(4, None)], {"volumes_added": 1, "volumes_removed": 2}),
    ],
)
def test_volumes_move_change_appear_and_vanish(volumes: list[VolumeRow], expected: Counts) -> None:
    assert differing(volumes=volumes) == expected


def test_pools_that_appear_before_others_move_no_volume() -> None:
    """Indices shift; what counts is the pool's name."""
    nodes, pools = [StorageNodeRow("0@new"), *NODES], [PoolRow("0@new#1"), *POOLS]
    assert differing(nodes, pools) == {"backends_added": 1, "pools_added": 1}


@pytest.mark.parametrize("free", [70, "infinite"])
def test_a_capacity_that_becomes_known_is_a_change(free: Any) -> None:
    changed = [PoolRow("a@lvm#1", total_gb=100, free_gb=free), POOLS[1]]
    assert differing(pools=changed) == {"pools_changed": 1}


def test_a_backend_that_is_disabled_has_changed() -> None:
    nodes = [StorageNodeRow("a@lvm", "z", status="disabled"), NODES[1]]
    assert differing(nodes) == {"backends_changed": 1}


def test_machines_are_counted_too() -> None:
    def machines(*rows: BaremetalNodeRow) -> BaremetalModel:
        return BaremetalModel.build(rows)[0]

    on, off = (
        BaremetalNodeRow("1", power_state=state, maintenance=False)
        for state in ("power on", "power off")
    )
    other = BaremetalNodeRow("2", maintenance=True)
    assert told(baremetal_changes(None, machines(on, other))) == {"machines_added": 2}
    assert told(baremetal_changes(machines(on, other), machines(off))) == {
        "machines_removed": 1,
        "machines_changed": 1,
    }
