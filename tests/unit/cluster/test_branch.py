import json

import numpy as np
import pytest

from domain.cluster.compute.flavor import Flavor
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.aggregates import TRAIT_MISSING
from domain.cluster.placement.steps import Move, ServiceSwitch
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow
from domain.kernel.errors import InvalidValue
from tests.unit.cluster.build import host, model, server


def branch() -> Branch:
    built = model([host(n) for n in range(3)], [server(0, 0), server(1, 0), server(2, 1)])
    need = np.array([[0.1, 100.0], [0.2, 200.0], [0.7, 300.0]])
    return Branch(built, MeasuredLoad.of(need, np.zeros((2, 3)), np.full((2, 3), 1000.0)))


def test_a_move_shifts_load_and_count() -> None:
    changed = branch()
    assert changed.move(0, 2) == Move(0, 0, 2)
    assert changed.host_of.tolist() == [2, 0, 1]
    assert changed.count.tolist() == [1, 1, 1]
    assert changed.amounts[0].tolist() == [2.0, 2.0, 2.0]


def test_a_model_is_not_changed_by_its_branches() -> None:
    changed = branch()
    changed.move(0, 2)
    assert changed.model.servers.host.tolist() == [0, 0, 1]
    assert changed.model.allocated[0].tolist() == [4.0, 2.0, 0.0]


def test_fractions_of_cores_come_back_exactly_however_often_they_move() -> None:
    """0.1 + 0.2 - 0.2 is not 0.1 in floating point; rounded to 2**-20 it is."""
    changed, fresh = branch(), branch()
    for round_ in range(100):
        changed.move(0, 1 + round_ % 2)
        changed.move(1, 1 + round_ % 2)
    changed.move(0, 0)
    changed.move(1, 0)
    assert np.array_equal(changed.amounts, fresh.amounts)


def test_steps_are_undone_back_to_a_mark_latest_first() -> None:
    changed = branch()
    changed.move(0, 1)
    mark = changed.mark()
    changed.switch(2, enabled=False)
    changed.move(1, 1)
    changed.rollback(mark)
    assert changed.steps == (Move(0, 0, 1),)
    assert bool(changed.enabled[2])
    changed.rollback()
    assert np.array_equal(changed.amounts, branch().amounts)


def test_switching_a_host_to_what_it_is_is_no_step() -> None:
    changed = branch()
    changed.switch(0, enabled=True)
    changed.switch(0, enabled=False)
    changed.switch(0, enabled=False)
    assert changed.steps == (ServiceSwitch(0, enabled=False),)


def test_a_server_in_flight_is_held_at_both_ends() -> None:
    changed = branch()
    changed.start_move(0, 2)
    assert changed.count.tolist() == [2, 1, 1]
    assert changed.amounts[0].tolist() == [4.0, 2.0, 2.0]
    assert changed.busy.tolist() == [1, 0, 1]
    changed.finish_move(0)
    assert changed.count.tolist() == [1, 1, 1]
    assert changed.busy.tolist() == [0, 0, 0]
    assert changed.moving == {}


def test_two_branches_differ_by_net_moves() -> None:
    one, other = branch(), branch()
    one.move(0, 1)
    other.move(0, 1)
    other.move(0, 2)
    other.move(2, 0)
    assert one.diff(other) == (Move(0, 1, 2), Move(2, 1, 0))
    assert other.net_moves() == (Move(0, 0, 2), Move(2, 1, 0))


def test_a_log_of_ids_replays_to_the_same_branch() -> None:
    one, other = branch(), branch()
    one.move(0, 1)
    one.switch(2, enabled=False)
    one.switch(2, enabled=True)
    log = json.loads(json.dumps(one.to_log()))
    assert log == [["move", "s0", "h1"], ["disable", "h2"], ["enable", "h2"]]
    other.replay(log)
    assert other.steps == one.steps


def test_a_stopped_server_keeps_its_allocation_and_uses_nothing() -> None:
    changed = branch()
    changed.stop(2)
    changed.stop(2)
    assert changed.amounts[:, 1].tolist() == [2.0, 2048.0, 10.0, 0.0, 0.0, 0.0]
    changed.move(2, 2)
    changed.start(2)
    assert changed.amounts[-1].tolist() == [300.0, 0.0, 300.0]
    assert [step[0] for step in changed.to_log()] == ["stop", "move", "start"]


def test_a_server_that_is_stopped_in_the_model_uses_what_was_measured() -> None:
    built = model([host(0)], [server(0, 0, state="stopped")])
    use = MeasuredLoad.of(np.array([[0.5, 100.0]]), np.zeros((2, 1)), np.ones((2, 1)))
    changed = Branch(built, use)
    changed.start(0)
    assert changed.amounts[-1].tolist() == [100.0]
    changed.stop(0)
    assert changed.amounts[-1].tolist() == [100.0]


def test_a_resized_server_needs_what_its_new_flavor_requests() -> None:
    hosts = [host(0), host(1, vcpus=6), host(2), host(3, traits=("HW_GPU",))]
    built = model(hosts, [server(0, 0), server(1, 3)])
    changed, rules = Branch(built), Constraints(built)
    assert rules.legal_hosts(changed, 0).tolist() == [False, True, True, True]
    changed.resize(0, Flavor("large", 8, 4096, 10))
    assert changed.amounts[:, 0].tolist()[:3] == [8.0, 4096.0, 10.0]
    assert rules.legal_hosts(changed, 0).tolist() == [False, False, True, True]
    changed.resize(0, Flavor("gpu", 2, 2048, 10, {"trait:HW_GPU": "required"}))
    assert rules.legal_hosts(changed, 0).tolist() == [False, False, False, True]
    assert [why.reason for why in rules.why_not(changed, 0, 2)] == [TRAIT_MISSING]
    changed.rollback()
    assert rules.legal_hosts(changed, 0).tolist() == [False, True, True, True]


def test_a_resize_to_the_flavor_that_a_server_has_is_no_step() -> None:
    changed = branch()
    changed.resize(0, changed.flavor(0))
    assert changed.steps == ()


def test_a_device_that_no_host_offers_is_refused_before_anything_changes() -> None:
    changed = branch()
    with pytest.raises(InvalidValue, match="PCI device gpu, which no host offers"):
        changed.resize(0, Flavor("gpu", 2, 2048, 10, {"pci_passthrough:alias": "gpu:1"}))
    assert np.array_equal(changed.amounts, branch().amounts)


def test_a_resize_in_flight_counts_on_both_hosts() -> None:
    changed = branch()
    changed.start_move(0, 2)
    changed.resize(0, Flavor("large", 4, 2048, 10))
    assert changed.amounts[0].tolist() == [6.0, 2.0, 4.0]


def test_a_host_that_is_switched_off_takes_and_gives_no_server_until_it_is_on_again() -> None:
    built = model([host(0), host(1), host(2, state="down")], [server(0, 0)])
    changed, rules = Branch(built), Constraints(built)
    changed.power(2, on=True)
    changed.power(1, on=False)
    assert rules.legal_hosts(changed, 0).tolist() == [False, False, True]
    changed.power(0, on=False)
    assert not rules.legal_hosts(changed, 0).any()
    changed.power(0, on=False)
    assert changed.to_log() == [["power-on", "h2"], ["power-off", "h1"], ["power-off", "h0"]]


def volumes() -> StorageModel:
    """Two pools; v0 of 100 GB and v1 of 30 GB in the first one."""
    pools = ["stor@lvm#a", "stor@lvm#b"]
    built, bad = StorageModel.build(
        [StorageNodeRow("stor@lvm")],
        [PoolRow(name, total_gb=1000, free_gb=500.25, provisioned_gb=400) for name in pools],
        [VolumeRow(f"v{n}", pool=pools[0], size_gb=size) for n, size in enumerate((100, 30))],
    )
    assert bad == ()
    return built


def test_volumes_move_between_pools_and_change_their_type() -> None:
    start = branch()
    changed = Branch(start.model, storage=volumes())
    storage = changed.storage
    assert storage is not None
    storage.move(0, 1)
    storage.retype(0, "gold")
    storage.retype(0, "gold")
    assert storage.count.tolist() == [1, 1]
    assert storage.free_gb.tolist() == [600.25, 400.25]
    assert storage.provisioned_gb.tolist() == [300.0, 500.0]
    assert (storage.volume_type(0), storage.volume_type(1)) == ("gold", "")
    assert changed.to_log() == [["move-volume", "v0", "stor@lvm#b"], ["retype", "v0", "gold"]]


def test_steps_of_servers_and_of_volumes_are_undone_in_one_order() -> None:
    changed = Branch(branch().model, storage=volumes())
    assert changed.storage is not None
    changed.move(0, 1)
    mark = changed.mark()
    changed.storage.move(0, 1)
    changed.move(1, 1)
    changed.rollback(mark)
    assert changed.steps == (Move(0, 0, 1),)
    assert changed.storage.free_gb.tolist() == [500.25, 500.25]


@pytest.mark.parametrize(
    "step",
    [
        ["teleport", "s0", "h1"],
        ["move", "s9", "h1"],
        ["move", "s0", "h9"],
        ["move", "s0"],
        ["disable", "h9"],
        ["disable"],
    ],
)
def test_a_step_that_cannot_be_applied_is_named(step: list[object]) -> None:
    with pytest.raises(InvalidValue, match=r"steps\[1\]"):
        branch().replay([["disable", "h0"], step])


def test_steps_of_volumes_need_a_storage_model() -> None:
    with pytest.raises(InvalidValue, match="no storage model"):
        branch().replay([["retype", "v0", "gold"]])
