"""The shared skeletons: balancing, draining, relieving."""

import numpy as np

from domain.kernel.reasons import Reason
from domain.optimization.algorithms.balancing import balance
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE, drain
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import dearest
from domain.optimization.algorithms.relieving import relieve
from domain.optimization.algorithms.spread import HostLoad, Shares, SpreadAtMost
from domain.optimization.context import ObservedMove, StepBudget, StrategyContext
from domain.optimization.strategy import NoParameters
from tests.unit.cluster.build import host, model, server

SIZES = [8.0, 4.0, 4.0, 2.0, 2.0, 2.0]
ALL = np.ones(3, dtype=np.bool_)


def moves(context: StrategyContext[NoParameters] | None = None) -> Moves:
    """Three hosts; all servers are on the first."""
    cloud = model([host(n) for n in range(3)], [server(n, 0) for n in range(len(SIZES))])
    return Moves(context or StrategyContext(parameters=NoParameters(), compute=cloud))


def load(found: Moves) -> HostLoad:
    need = np.array(SIZES)
    amount = np.bincount(found.model.servers.host, weights=need, minlength=3).astype(np.float64)
    return HostLoad.single("cpu", amount, np.full(3, 32.0), need, ALL)


def balanced(found: Moves, target: float, *, max_moves: int = 0) -> Shares:
    limit = SpreadAtMost(np.array([target]))
    return balance(found, load(found), limit, found.rules.movable, max_moves=max_moves)


def test_balancing_lowers_the_spread_to_the_target_and_says_by_how_much() -> None:
    found = moves()
    before = load(found).shares(load(found).amount).spread
    reached = balanced(found, 0.05).spread
    assert reached <= 0.05 < before
    figures = [action.because.facts for action in found.actions]
    assert figures[0]["before"] == round(before, 5)
    assert figures[-1]["after"] == round(reached, 5)
    assert all(float(str(one["after"])) < float(str(one["before"])) for one in figures)


def test_the_stated_spread_is_the_true_one() -> None:
    found = moves()
    reached = balanced(found, 0.0).spread
    amount = np.bincount(found.branch.host_of, weights=np.array(SIZES), minlength=3)
    assert abs(reached - float((amount / 32.0).std())) < 1e-12
    assert sorted(amount.tolist()) == [6.0, 8.0, 8.0]


def test_balancing_stops_at_the_most_moves() -> None:
    found = moves()
    balanced(found, 0.0, max_moves=1)
    assert len(found.actions) == 1


def test_a_balanced_load_is_left_alone() -> None:
    found = moves()
    balanced(found, 0.9)
    assert found.actions == []


def test_a_search_without_steps_left_returns_what_it_has() -> None:
    cloud = moves().model
    context = StrategyContext(parameters=NoParameters(), compute=cloud, budget=StepBudget(2))
    found = moves(context)
    balanced(found, 0.0)
    assert len(found.actions) == 1


def test_what_a_transfer_does_to_the_spread_is_computed_without_making_it() -> None:
    """The formula of the search against numpy's own standard deviation."""
    found = moves()
    shares = load(found).shares(np.array([[10.0, 3.0, 7.0]]))
    predicted = shares.spread_after(0, np.array([1, 2]), np.array([[[4.0], [1.0]]]))
    made = [
        [np.std(np.array([6.0, 7.0, 7.0]) / 32), np.std(np.array([6.0, 3.0, 11.0]) / 32)],
        [np.std(np.array([9.0, 4.0, 7.0]) / 32), np.std(np.array([9.0, 3.0, 8.0]) / 32)],
    ]
    assert np.allclose(predicted, made)


def test_of_equal_gains_the_cheaper_migration_is_made() -> None:
    """s0 and s1 use the same; s1 has an eighth of the memory, so it moves faster."""
    servers = [server(0, 0, memory_mb=32768), server(1, 0, memory_mb=4096)]
    cloud = model([host(0), host(1)], servers)
    found = Moves(StrategyContext(parameters=NoParameters(), compute=cloud))
    need, every = np.array([4.0, 4.0]), np.ones(2, dtype=np.bool_)
    uneven = HostLoad.single("cpu", np.array([8.0, 0.0]), np.full(2, 16.0), need, every)
    balance(found, uneven, SpreadAtMost(np.zeros(1)), found.rules.movable)
    assert [action.resource_id for action in found.actions] == ["s1"]


def test_draining_moves_what_can_leave_and_names_what_stays() -> None:
    servers = [server(0, 0), server(1, 0, status="ERROR"), server(2, 0)]
    cloud = model([host(0), host(1)], servers)
    context = StrategyContext(parameters=NoParameters(), compute=cloud)
    found = Moves(context)
    rank = np.arange(2)

    def find(_: int, one: int) -> int | None:
        return dearest(found.rules, found.branch, one, np.array([False, True]), rank)

    assert drain(found, 0, find) == [1]
    assert {action.resource_id for action in found.actions} == {"s0", "s2"}
    (kept,) = context.alternatives.kept
    assert kept.because.reason == SERVER_CANNOT_LEAVE
    assert kept.subject == context.server(1)


def test_draining_leaves_servers_in_flight_and_names_those_that_are_coming() -> None:
    """It moved a server that was in flight, and counted a host as empty to which one was coming."""
    cloud = model([host(0), host(1)], [server(0, 0), server(1, 0), server(2, 1)])
    moving = (
        ObservedMove("s0", "c0", "c1", 5.0, finished=False),
        ObservedMove("s2", "c1", "c0", 5.0, finished=False),
    )
    context = StrategyContext(parameters=NoParameters(), compute=cloud, moves=moving)
    found = Moves(context)
    assert drain(found, 0, lambda _host, _server: 1) == [0, 2]
    assert [action.resource_id for action in found.actions] == ["s1"]
    details = [str(one.because) for one in context.alternatives.kept]
    assert details == [
        "server vm0 cannot leave c0: in flight",
        "server vm2 cannot leave c0: it is in flight to it",
    ]


def test_relieving_says_what_is_left_over() -> None:
    found = moves()
    excess, limit = np.array([5.0, 0.0, 0.0]), np.full(3, 17.0)
    none = relieve(found, excess, limit, np.array(SIZES), lambda _source, _server: None)
    assert none == {0: 5.0}
    assert relieve(found, excess, limit, np.array(SIZES), lambda _source, _server: 1) == {}
    assert [action.resource_id for action in found.actions] == ["s0"]


def test_moves_that_were_only_tried_leave_nothing_behind() -> None:
    found, tried = moves(), Reason("test.tried", "{server} to {destination}")
    found.move(0, 1, tried)
    mark = found.mark()
    found.move(1, 1, tried)
    found.move(2, 2, tried)
    found.undo(mark)
    assert [action.resource_id for action in found.actions] == [found.model.servers.id[0]]
    assert found.is_destination.tolist() == [False, True, False]
    assert found.branch.host_of.tolist() == [1, 0, 0, 0, 0, 0]
    found.undo((0, 0, 0))
    assert found.actions == []
    assert not found.is_destination.any()
    assert found.branch.host_of.tolist() == [0] * len(SIZES)


def test_a_server_that_finds_no_place_at_first_leaves_after_the_one_that_makes_it_legal() -> None:
    """Two hosts, the larger server refused until the other one has gone: the order is kept."""
    cloud = model([host(0), host(1)], [server(0, 0, vcpus=4), server(1, 0)])
    found = Moves(StrategyContext(parameters=NoParameters(), compute=cloud))

    def after_the_other(_: int, one: int) -> int | None:
        return 1 if one == 1 or found.branch.host_of[1] == 1 else None

    assert drain(found, 0, after_the_other) == []
    assert [action.resource_id for action in found.actions] == ["s1", "s0"]
