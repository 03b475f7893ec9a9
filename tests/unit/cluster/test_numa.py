"""NUMA cells: what flavors request, where they fit, and the reasons if cells are unknown."""

from collections.abc import Mapping
from itertools import product
from random import Random

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import NumaCell, Topology
from domain.cluster.compute.numa.guest import Guest, GuestCell, guest
from domain.cluster.compute.reasons import BAD_VALUE
from domain.cluster.compute.resources import dedicated_cpus
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.rules import numa as numa_rule
from domain.cluster.placement.rules.numa import NUMA_CELLS, NUMA_UNCHECKED, NUMA_UNKNOWN
from domain.cluster.verifier.verifier import Verifier
from tests.unit.cluster.build import host, model, server

PINNED = {"hw:cpu_policy": "dedicated"}
TWO = {"hw:numa_nodes": "2"}
HUGE = {"hw:mem_page_size": "2048"}


def cells(count: int = 2, **changes: int) -> Topology:
    """Cells of 8 shared and 8 dedicated CPUs, 32 GiB, 4 GiB of it in pages of 2 MiB."""
    usual = {"cpus": 8, "pcpus": 8, "memory_mb": 32768}
    pages = ((2048, changes.pop("pages", 2048)),)
    return tuple(NumaCell(n, pages=pages, **{**usual, **changes}) for n in range(count))


def around(*servers: Mapping[str, object], **changes: int) -> ComputeModel:
    """Servers, of which the first is to move, from c0 to c1; the others are on c1."""
    rows = [
        server(n, 1 if n else 0, **{"vcpus": 4, "memory_mb": 4096, **given})
        for n, given in enumerate(servers)
    ]
    hosts = [host(0), host(1, pcpus=16, numa=cells(**changes)), host(2, pcpus=16)]
    return model(hosts, rows)


def fits(built: ComputeModel, *, certain: bool = False, to: int = 1) -> bool:
    """What the rule says of the first server; the verifier says the same."""
    branch = Branch(built)
    masks = Constraints(built, numa_certain=certain).explain(branch, 0).masks
    broken = Verifier(built, numa_certain=certain).broken(0, to)
    assert ("NumaTopology" in broken) is not bool(masks["NumaTopology"][to])
    return bool(masks["NumaTopology"][to])


# -- what flavors ask for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ({}, None),
        ({"hw:cpu_policy": "shared", "trait:HW_GPU": "required"}, None),
        ({"hw:numa_nodes": "two", "hw:mem_page_size": "some", "hw:pmem": " , "}, None),
        ({"hw:numa_nodes": "0"}, None),
        ({"hw:numa_nodes": "100000"}, None),
        (TWO, Guest((GuestCell(0, 2, 2048),) * 2, "shared", None)),
        ({**TWO, **PINNED}, Guest((GuestCell(2, 0, 2048),) * 2, "dedicated", None)),
        ({"resources:PCPU": "4"}, Guest((GuestCell(4, 0, 4096),), "dedicated", None)),
        ({"hw:pmem": "6GB"}, Guest((GuestCell(0, 4, 4096),), "shared", None)),
        ({"hw:numa_nodes": "3"}, Guest(
            (GuestCell(0, 2, 1366), GuestCell(0, 2, 1366), GuestCell(0, 0, 1366)), "shared", None
        )),
        (
            {**TWO, "hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"},
            Guest((GuestCell(2, 0, 2048), GuestCell(0, 2, 2048)), "mixed", None),
        ),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
            Guest((GuestCell(3, 1, 4096),), "mixed", None),
        ),
        (
            {**TWO, **PINNED, "hw:emulator_threads_policy": "isolate"},
            Guest((GuestCell(3, 0, 2048), GuestCell(2, 0, 2048)), "dedicated", None),
        ),
        (
            {
                **TWO, "hw:numa_cpus.0": "0", "hw:numa_mem.0": "1024",
                "hw:numa_cpus.1": "1-3", "hw:numa_mem.1": "3072",
            },
            Guest((GuestCell(0, 1, 1024), GuestCell(0, 3, 3072)), "shared", None),
        ),
        (
            {**TWO, "hw:numa_cpus.0": "0-1", "hw:numa_mem.0": "1024"},
            Guest((GuestCell(0, 2, 2048),) * 2, "shared", None),
        ),
    ],
)  # fmt: skip
def test_extra_specs_say_which_cells_a_server_has(
    specs: dict[str, str], expected: Guest | None
) -> None:
    assert guest(4, 4096, specs) == expected


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("small", "small"),
        ("large", "large"),
        ("any", "any"),
        ("4", "small"),
        ("64KB", "small"),
        ("2048", 2048),
        ("2MB", 2048),
        ("2MiB", 2048),
        ("1GB", 1048576),
        ("1048576", 1048576),
    ],
)
def test_a_page_size_is_a_word_or_a_number_of_kilobytes(text: str, page: object) -> None:
    found = guest(1, 1024, {"hw:mem_page_size": text})
    assert found is not None
    assert found.page == page


def test_isolated_emulator_threads_take_a_core_more() -> None:
    specs = {**PINNED, "hw:emulator_threads_policy": "isolate"}
    built = model([host(0), host(1, pcpus=4), host(2, pcpus=5)], [server(0, 0, vcpus=4)])
    assert dedicated_cpus(4, specs) == 4
    built = model(
        [host(0), host(1, pcpus=4), host(2, pcpus=5)], [server(0, 0, vcpus=4, extra_specs=specs)]
    )
    assert Constraints(built).legal_hosts(Branch(built), 0).tolist() == [False, False, True]
    assert Verifier(built).broken(0, 1) == {"Capacity"}
    assert Verifier(built).broken(0, 2) == set()


# -- where they fit ------------------------------------------------------------------------------


def test_a_server_that_floats_is_not_bound_to_cells() -> None:
    built = around({"vcpus": 16}, cpus=1, memory_mb=1)
    assert Constraints(built).explain(Branch(built), 0).masks["NumaTopology"].all()
    assert Branch(built).numa is None


def test_a_cell_of_a_server_fits_into_one_cell_and_not_across_two() -> None:
    """The host has 16 dedicated CPUs, but 8 in each cell."""
    assert fits(around({"vcpus": 8, "extra_specs": PINNED}))
    assert not fits(around({"vcpus": 10, "extra_specs": PINNED}))
    assert fits(around({"vcpus": 10, "extra_specs": {**PINNED, **TWO}}))


def test_two_cells_of_a_server_do_not_share_one_of_the_host() -> None:
    assert fits(around({"extra_specs": TWO}))
    assert not fits(around({"extra_specs": TWO}, count=1))
    uneven = {
        **TWO, "hw:numa_cpus.0": "0", "hw:numa_cpus.1": "1-3",
        "hw:numa_mem.0": "2048", "hw:numa_mem.1": "2048",
    }  # fmt: skip
    assert fits(around({"extra_specs": uneven}, cpus=3))
    assert not fits(around({"extra_specs": uneven}, cpus=2))


def test_an_allocation_ratio_promises_shared_cpus_of_a_cell_more_than_once() -> None:
    there = [{"vcpus": 8, "extra_specs": TWO, "numa_nodes": (0, 1)} for _ in range(2)]
    rows = [server(n, 1 if n else 0, **given) for n, given in enumerate([there[0], *there])]
    for ratio, room in ((1.0, False), (1.5, True)):
        built = model([host(0), host(1, cpu_ratio=ratio, numa=cells())], rows)
        assert fits(built) is room
    alone = model([host(0), host(1, cpu_ratio=4.0, numa=cells(cpus=3))], rows[:1])
    assert not fits(alone)


def test_pages_of_a_wished_size_must_be_free_in_the_cell() -> None:
    assert fits(around({"extra_specs": HUGE}))
    assert not fits(around({"memory_mb": 6144, "extra_specs": HUGE}))
    assert fits(around({"memory_mb": 6144, "extra_specs": {**HUGE, **TWO}}))
    assert not fits(around({"extra_specs": {"hw:mem_page_size": "1GB"}}))
    assert fits(around({"extra_specs": {"hw:mem_page_size": "large"}}))
    assert not fits(around({"memory_mb": 4097, "extra_specs": {"hw:mem_page_size": "large"}}))
    assert fits(around({"memory_mb": 4097, "extra_specs": {"hw:mem_page_size": "any"}}))


def test_huge_pages_are_not_there_for_ordinary_ones() -> None:
    small = {"memory_mb": 30000, "extra_specs": {"hw:mem_page_size": "small"}}
    assert not fits(around(small))
    assert fits(around(small, pages=1024))


def test_memory_of_pinned_servers_is_never_promised_twice() -> None:
    shared = {"memory_mb": 20000, "extra_specs": {"hw:numa_nodes": "1"}, "numa_nodes": (0,)}
    pinned = {"memory_mb": 20000, "extra_specs": PINNED}
    assert not fits(around(pinned, shared, count=1))
    assert fits(around(pinned, shared))


# -- who is where --------------------------------------------------------------------------------


def test_told_cells_are_held_where_they_are() -> None:
    """6 and 2 CPUs are free: 8 in all, but no 7 together."""
    there = [
        {"vcpus": 2, "extra_specs": PINNED, "numa_nodes": (0,)},
        {"vcpus": 6, "extra_specs": PINNED, "numa_nodes": (1,)},
    ]
    assert fits(around({"vcpus": 6, "extra_specs": PINNED}, *there), certain=True)
    assert not fits(around({"vcpus": 7, "extra_specs": PINNED}, *there))


def test_cells_that_are_not_told_count_in_all_only() -> None:
    """They may be spread 2 and 6 or all in one cell: 7 may fit, 9 cannot."""
    there = [{"vcpus": 2, "extra_specs": PINNED}, {"vcpus": 6, "extra_specs": PINNED}]
    may = around({"vcpus": 7, "extra_specs": PINNED}, *there)
    assert fits(may)
    assert not fits(may, certain=True)
    both = around({"vcpus": 10, "extra_specs": {**PINNED, **TWO}}, *there)
    assert not fits(both)


def test_what_is_not_told_can_spoil_only_so_many_cells() -> None:
    """8 CPUs in cells unknown: to keep 4 out of a cell takes 5 of them, out of two cells 10."""
    there = [{"vcpus": 2, "extra_specs": PINNED}, {"vcpus": 6, "extra_specs": PINNED}]
    assert fits(around({"vcpus": 4, "extra_specs": PINNED}, *there), certain=True)
    assert not fits(around({"vcpus": 6, "extra_specs": PINNED}, *there), certain=True)


@pytest.mark.parametrize("nodes", [(5,), (0, 1), ()])
def test_told_cells_that_cannot_be_count_as_not_told(nodes: tuple[int, ...]) -> None:
    there = {"vcpus": 8, "extra_specs": PINNED, "numa_nodes": nodes}
    built = around({"vcpus": 8, "extra_specs": PINNED}, there)
    assert built.numa is not None
    assert built.numa.known_cells == {}
    assert fits(built)


def test_a_server_that_left_its_cells_is_in_unknown_ones_elsewhere() -> None:
    hosts = [host(n, pcpus=16, numa=cells()) for n in range(3)]
    pinned = {"vcpus": 8, "extra_specs": PINNED}
    built = model(hosts, [server(0, 0, **pinned), server(1, 1, numa_nodes=(0,), **pinned)])
    branch = Branch(built)
    assert branch.numa is not None
    before = branch.numa.free.copy()
    branch.move(1, 2)
    assert branch.numa.free[0, :, 1].tolist() == [8, 8]
    assert branch.numa.free[0, :, 2].tolist() == [8, 8]
    assert branch.numa.asked[0].tolist() == [8, 0, 8]
    branch.undo()
    assert np.array_equal(branch.numa.free, before)


def test_a_server_in_flight_holds_cells_at_both_ends() -> None:
    hosts = [host(n, pcpus=8, numa=cells(1)) for n in range(3)]
    pinned = {"vcpus": 8, "extra_specs": PINNED}
    built = model(hosts, [server(0, 0, **pinned), server(1, 1, numa_nodes=(0,), **pinned)])
    branch, verifier, rules = Branch(built), Verifier(built), Constraints(built)
    branch.start_move(1, 2)
    verifier.start_move(1, 2)
    assert not rules.explain(branch, 0).masks["NumaTopology"].any()
    assert all("NumaTopology" in verifier.broken(0, at) for at in range(3))
    branch.finish_move(1)
    verifier.finish_move(1)
    assert rules.explain(branch, 0).masks["NumaTopology"].tolist() == [False, True, False]
    assert "NumaTopology" not in verifier.broken(0, 1)


def test_branches_do_not_share_what_cells_hold() -> None:
    built = around({"extra_specs": PINNED}, {"extra_specs": PINNED, "numa_nodes": (1,)})
    first, second = Branch(built), Branch(built)
    first.move(0, 1)
    first.move(1, 0)
    assert second.numa is not None
    assert second.numa.asked[0].tolist() == [4, 4, 0]
    assert second.numa.free[0, :, 1].tolist() == [8, 4]


@pytest.mark.parametrize("seed", range(200))
def test_subsets_and_augmenting_paths_find_the_same_seats(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(seed)
    kinds, places = rng.randint(1, 4), rng.randint(1, 5)
    free = [
        np.array([[rng.random() < 0.5 for _ in range(20)] for _ in range(places)])
        for _ in range(kinds)
    ]
    counts = [rng.randint(1, 2) for _ in range(kinds)]
    by_subsets = numa_rule.matched(free, counts)
    monkeypatch.setattr(numa_rule, "MOST_SUBSETS", 0)
    assert np.array_equal(by_subsets, numa_rule.matched(free, counts))
    tried = [
        any(
            len(set(seats)) == len(seats)
            for seats in product(
                *(np.flatnonzero(free[k][:, at]) for k in range(kinds) for _ in range(counts[k]))
            )
        )
        for at in range(20)
    ]
    assert by_subsets.tolist() == tried


# -- what is said --------------------------------------------------------------------------------


def test_a_refusal_says_what_the_server_needs() -> None:
    built = around({"vcpus": 10, "extra_specs": {**PINNED, "hw:mem_page_size": "1GB"}})
    [because] = Constraints(built).why_not(Branch(built), 0, 1)
    assert because.reason == NUMA_CELLS
    assert str(because) == (
        "the 2 NUMA cells of c1 have no room for 1 x (10 dedicated and 0 shared CPUs, 4096 MB, "
        "1048576 kB pages)"
    )


def test_unknown_cells_forbid_nothing_unless_certainty_is_asked_for() -> None:
    built = around({"extra_specs": PINNED})
    assert fits(built, to=2)
    assert not fits(built, to=2, certain=True)
    [because] = Constraints(built, numa_certain=True).why_not(Branch(built), 0, 2)
    assert because.reason == NUMA_UNKNOWN
    assert str(because) == "the NUMA topology of c2, or its use, is unknown"
    nobody_knows = model([host(0), host(1, pcpus=4)], [server(0, 0, extra_specs=PINNED)])
    assert fits(nobody_knows)
    assert not fits(nobody_knows, certain=True)


def test_uncertain_cells_are_told_from_full_ones() -> None:
    built = around({"vcpus": 7, "extra_specs": PINNED}, {"vcpus": 4, "extra_specs": PINNED})
    rules = Constraints(built, numa_certain=True)
    assert fits(built, certain=True)
    more = around({"vcpus": 7, "extra_specs": PINNED}, *[{"extra_specs": PINNED}] * 2)
    rules = Constraints(more, numa_certain=True)
    assert [because.reason for because in rules.why_not(Branch(more), 0, 1)] == [NUMA_UNKNOWN]


def test_moves_onto_unknown_cells_are_counted() -> None:
    built = around({"extra_specs": PINNED}, {"extra_specs": TWO}, {})
    branch, rules = Branch(built), Constraints(built)
    assert rules.notes(branch) == ()
    branch.move(0, 1)
    branch.move(2, 2)
    assert rules.notes(branch) == ()
    branch.move(1, 2)
    branch.move(0, 2)
    [note] = rules.notes(branch)
    assert note.reason == NUMA_UNCHECKED
    assert note.facts == {"host": "c2", "count": 2}
    branch.move(0, 0)
    branch.move(1, 0)
    assert [note.facts["host"] for note in rules.notes(branch)] == ["c0"]


# -- what cannot be used -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        (),
        (NumaCell(0), NumaCell(0)),
        (NumaCell(0, cpus=-1),),
        (NumaCell(0, memory_mb=-1),),
        (NumaCell(0, pages=((2048, -1),)),),
        (NumaCell(0, pages=((0, 1),)),),
    ],
)
def test_a_host_with_impossible_cells_is_quarantined(bad: Topology) -> None:
    built, quarantined = ComputeModel.build([host(0), host(1, numa=bad)], [])
    assert built.hosts.id == ("h0",)
    assert [(one.kind, one.id, one.because.reason) for one in quarantined] == [
        ("host", "h1", BAD_VALUE)
    ]


def test_a_server_in_an_impossible_cell_is_quarantined() -> None:
    built, [quarantined] = ComputeModel.build([host(0)], [server(0, 0, numa_nodes=(-1,))])
    assert str(quarantined.because) == "numa_nodes of s0 is (-1,)"
    assert built.hosts.unseen.tolist() == [1]
