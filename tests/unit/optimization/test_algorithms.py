"""The shared skeletons: balancing, draining, relieving."""

import numpy as np

from domain.optimization.algorithms.balancing import HostLoad, balance, spread
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE, drain
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import dearest
from domain.optimization.algorithms.relieving import relieve
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
    return HostLoad(amount, np.full(3, 32.0), need)


def test_balancing_lowers_the_spread_to_the_target_and_says_by_how_much() -> None:
    found = moves()
    before = spread(load(found).share, ALL)
    reached = balance(found, load(found), ALL, target=0.05, max_moves=10)
    assert reached <= 0.05 < before
    figures = [action.because.facts for action in found.actions]
    assert figures[0]["before"] == round(before, 4)
    assert figures[-1]["after"] == round(reached, 4)
    assert all(float(str(one["after"])) < float(str(one["before"])) for one in figures)


def test_the_stated_spread_is_the_true_one() -> None:
    found = moves()
    reached = balance(found, load(found), ALL, target=0.0, max_moves=10)
    amount = np.bincount(found.branch.host_of, weights=np.array(SIZES), minlength=3)
    assert reached == spread(amount / 32.0, ALL)
    assert sorted(amount.tolist()) == [6.0, 8.0, 8.0]


def test_balancing_stops_at_the_most_moves() -> None:
    found = moves()
    balance(found, load(found), ALL, target=0.0, max_moves=1)
    assert len(found.actions) == 1


def test_a_balanced_load_is_left_alone() -> None:
    found = moves()
    balance(found, load(found), ALL, target=0.9, max_moves=10)
    assert found.actions == []


def test_a_search_without_steps_left_returns_what_it_has() -> None:
    cloud = moves().model
    context = StrategyContext(parameters=NoParameters(), compute=cloud, budget=StepBudget(1))
    found = moves(context)
    balance(found, load(found), ALL, target=0.0, max_moves=10)
    assert len(found.actions) == 1


def test_a_server_in_flight_is_not_moved_again() -> None:
    cloud = moves().model
    flying = tuple(
        ObservedMove(f"s{n}", "c2", "c0", 1.0, finished=False) for n in range(len(SIZES))
    )
    found = moves(StrategyContext(parameters=NoParameters(), compute=cloud, moves=flying))
    balance(found, load(found), ALL, target=0.0, max_moves=10)
    assert found.actions == []


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


def test_relieving_says_what_is_left_over() -> None:
    found = moves()
    excess, limit = np.array([5.0, 0.0, 0.0]), np.full(3, 17.0)
    none = relieve(found, excess, limit, np.array(SIZES), lambda _source, _server: None)
    assert none == {0: 5.0}
    assert relieve(found, excess, limit, np.array(SIZES), lambda _source, _server: 1) == {}
    assert [action.resource_id for action in found.actions] == ["s0"]
