import json

import numpy as np

from domain.cluster.placement.branch import Branch, Move, ServiceSwitch
from domain.cluster.placement.load import MeasuredLoad
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
    changed.start(0, 2)
    assert changed.count.tolist() == [2, 1, 1]
    assert changed.amounts[0].tolist() == [4.0, 2.0, 2.0]
    assert changed.busy.tolist() == [1, 0, 1]
    changed.finish(0)
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
