"""The parts of consolidation: which hosts stay, where a server suits, and what a reserve is."""

from itertools import combinations
from random import Random

import numpy as np
import pytest

from domain.optimization.algorithms.choosing import Candidates, components
from domain.optimization.algorithms.consolidating import Consolidation, Price
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import Fit
from domain.optimization.context import StrategyContext
from domain.optimization.strategy import NoParameters
from tests.unit.cluster.build import host, model, server


def random_candidates(rng: Random) -> Candidates:
    """Up to 9 hosts with two resources, one or two of them forced."""
    count = rng.randint(3, 9)
    servers = np.array([rng.randint(0, 12) for _ in range(count)])
    room = np.array([[float(rng.choice((8, 16, 32))) for _ in range(count)] for _ in range(2)])
    need = np.array([rng.uniform(0.2, 0.8) * row.sum() for row in room])
    forced = np.array([rng.random() < 0.1 for _ in range(count)])
    return Candidates(servers, room, need, forced)


def sufficient(found: Candidates) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """All choices that have the room and the forced hosts."""
    count, masks = len(found.servers), []
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            mask = np.zeros(count, dtype=np.bool_)
            mask[list(chosen)] = True
            if found.suffices(mask) and mask[found.forced].all():
                masks.append(mask)
    return masks


def test_no_choice_beats_the_bound_and_the_choice_is_the_fewest() -> None:
    """Against all choices of small problems: the bound holds, the choice has as few hosts."""
    missed = moved = least_moved = 0
    for seed in range(150):
        found = random_candidates(Random(seed))
        best = min(int(mask.sum()) for mask in sufficient(found))
        stay = found.fewest()
        assert found.bound() <= best <= int(stay.sum())
        assert found.suffices(stay)
        assert stay[found.forced].all()
        missed += int(stay.sum()) > best
        if int(stay.sum()) == best:
            moved += int(found.servers[~stay].sum())
            equal = [mask for mask in sufficient(found) if int(mask.sum()) == best]
            least_moved += min(int(found.servers[~mask].sum()) for mask in equal)
    assert missed == 0
    assert moved <= 1.02 * least_moved


def test_hosts_with_many_servers_stay_if_the_room_allows() -> None:
    found = Candidates(
        np.array([9, 1, 5]), np.full((1, 3), 16.0), np.array([30.0]), np.zeros(3, dtype=np.bool_)
    )
    assert found.fewest().tolist() == [True, False, True]


def test_a_scarce_resource_outweighs_the_number_of_servers() -> None:
    room = np.array([[16.0, 64.0, 16.0]])
    found = Candidates(np.array([9, 0, 5]), room, np.array([60.0]), np.zeros(3, dtype=np.bool_))
    assert found.fewest().tolist() == [False, True, False]


def test_all_stay_if_even_they_lack_the_room() -> None:
    found = Candidates(
        np.array([1, 1]), np.full((1, 2), 4.0), np.array([9.0]), np.zeros(2, dtype=np.bool_)
    )
    assert found.fewest().all()


def test_a_limit_of_moves_lets_more_hosts_stay() -> None:
    servers, room = np.array([1, 2, 3, 4]), np.full((1, 4), 16.0)
    found = Candidates(servers, room, np.array([10.0]), np.zeros(4, dtype=np.bool_))
    assert found.fewest().sum() == 1
    assert found.fewest(most_moves=3).tolist() == [False, False, True, True]
    assert found.fewest(most_moves=0).all()


def test_hosts_that_share_no_server_are_chosen_apart() -> None:
    linked = [np.array([True, True, False, False]), np.array([False, False, True, False])]
    parts = components(np.array([True, True, True, True]), linked)
    assert [part.tolist() for part in parts] == [[0, 1], [2], [3]]


def test_a_server_goes_where_the_free_room_has_the_shape_of_its_need() -> None:
    """Best fit by CPU would put the server with much memory on c0 and strand the memory of c1."""
    hosts = [host(0, memory_mb=8192), host(1, vcpus=8, memory_mb=65536), host(2)]
    servers = [server(0, 2, vcpus=4, memory_mb=4096), server(1, 2, vcpus=4, memory_mb=32768)]
    moves = Moves(StrategyContext(parameters=NoParameters(), compute=model(hosts, servers)))
    fit = Fit(moves, np.array([True, True, False]), np.array([0, 1]))
    assert [fit.find(0), fit.find(1)] == [0, 1]


@pytest.mark.parametrize(("status", "found"), [("enabled", 20), ("disabled", None)])
def test_a_place_is_found_behind_many_that_fit_better_but_are_not_legal(
    status: str, found: int | None
) -> None:
    hosts = [host(n, status="disabled") for n in range(20)]
    hosts += [host(20, vcpus=2, status=status), host(21)]
    cloud = model(hosts, [server(0, 21, memory_mb=32768)])
    moves = Moves(StrategyContext(parameters=NoParameters(), compute=cloud))
    candidates = np.array([name != "c21" for name in cloud.hosts.name])
    place = Fit(moves, candidates, np.array([0])).find(0)
    assert place == (None if found is None else cloud.host_places[f"h{found}"])


@pytest.mark.parametrize("reserve", [0, 1, 2])
def test_the_reserve_is_room_for_any_host_that_fails(reserve: int) -> None:
    """As much as the servers of the fullest hosts, on the others; and no more hosts than needed."""
    rng = Random(reserve)
    servers = [server(n, n % 10, vcpus=rng.choice((1, 2))) for n in range(30)]
    cloud = model([host(n) for n in range(10)], servers)
    moves = Moves(StrategyContext(parameters=NoParameters(), compute=cloud))
    kept = Consolidation(moves, Price(reserve=reserve)).run()
    used = np.bincount(moves.branch.host_of, weights=cloud.servers.vcpus, minlength=10)
    serving = (used > 0) | kept
    fullest = np.sort(used[serving])[::-1][:reserve]
    free = 16 * (serving.sum() - reserve) - (used.sum() - fullest.sum())
    assert free >= fullest.sum()
    assert serving.sum() == int(np.ceil(used.sum() / 16)) + reserve
