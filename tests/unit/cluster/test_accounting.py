"""What is allocated on a host to others than its servers takes room there."""

import json
from dataclasses import replace

import pytest

from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.foreign_allocations import foreign_allocations
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import GroupRow, HostRow
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.rules.capacity import CAPACITY_SHORT, ROOM_HELD_BY_OTHERS
from domain.cluster.placement.rules.groups import GROUP_ANTI_AFFINITY
from domain.cluster.verifier.verifier import Verifier
from domain.kernel.reasons import Reason
from tests.unit.cluster.build import host, model, server

OWN = Allocation("s0", 2, 2048, 10)
"""What ``server(0, …)`` accounts for."""


def holding(*booked: Allocation, **changes: int) -> HostRow:
    return host(1, other_allocations=booked, **changes)


def left(*booked: Allocation, known: tuple[str, ...] = ("s0", "s1")) -> list[Allocation]:
    """Of what is booked on c0, where s0 is, all that s0 does not account for."""
    return list(foreign_allocations(booked, [server(0, 0)], known))


# -- which allocations are left over -------------------------------------------------------------


def test_a_server_accounts_for_its_own_allocation() -> None:
    assert left(OWN) == []


def test_a_server_on_its_way_holds_room_where_it_goes() -> None:
    coming = Allocation("s1", 4, 4096, 20)
    assert left(OWN, coming) == [coming]


def test_a_server_that_leaves_accounts_for_what_its_migration_holds() -> None:
    """Nova books the source to the migration, and the server's own allocation at its goal."""
    migration = OWN._replace(consumer="migration")
    assert left(migration) == []
    assert left(migration, migration._replace(consumer="n")) == [migration._replace(consumer="n")]


def test_a_migration_that_waits_to_be_confirmed_holds_room_where_its_server_was() -> None:
    migration = Allocation("migration", 2, 2048, 10)
    assert left(OWN, migration) == [migration]


def test_a_server_that_is_listed_elsewhere_is_not_taken_for_a_migration() -> None:
    """It came here after the servers were listed: until they are listed again both count."""
    other = OWN._replace(consumer="s1")
    assert left(other) == [other]


def test_a_resize_on_the_same_host_holds_what_is_beyond_the_flavor_shown() -> None:
    grown = OWN._replace(vcpus=8)
    assert left(grown) == [grown]


def test_a_smaller_allocation_than_the_flavor_s_leaves_nothing() -> None:
    assert left(OWN._replace(disk_gb=0)) == []


def test_an_allocation_of_nothing_that_counts_here_is_left_out() -> None:
    assert left(Allocation("fpga")) == []


def test_dedicated_cpus_are_accounted_for_as_such() -> None:
    specs = {"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"}
    pinned = server(0, 0, extra_specs=specs)
    assert foreign_allocations([Allocation("s0", 0, 2048, 10, 3)], [pinned], ["s0"]) == ()
    shared = Allocation("s0", 2, 2048, 10)
    assert foreign_allocations([shared], [pinned], ["s0"]) == (shared,)


def test_a_server_without_flavor_accounts_for_nothing() -> None:
    unread = server(0, 0, vcpus=None)
    assert foreign_allocations([OWN], [unread], ["s0"]) == (OWN,)


# -- what that means for a host ------------------------------------------------------------------


def test_what_others_hold_is_not_free() -> None:
    booked = (Allocation("orphan", 15), Allocation("s7", 0, 0, 5, 1))
    built = model([host(0), holding(*booked, pcpus=4)], [server(0, 0), server(1, 1)])
    assert built.foreign_allocated[:, 1].tolist() == [15.0, 0.0, 5.0, 1.0]
    assert built.foreign_allocated[:, 0].tolist() == [0.0] * 4
    branch = Branch(built)
    assert branch.amounts[:4, 1].tolist() == [17.0, 2048.0, 15.0, 1.0]
    assert not Constraints(built).is_legal(branch, 0, 1)
    assert Verifier(built).broken(0, 1) == {"Capacity"}


def test_a_server_that_has_arrived_is_not_counted_twice() -> None:
    """A notification moved it here; what was collected before still says that it is coming."""
    coming = Allocation("s1", 2, 2048, 10)
    before = model([host(0), holding(coming)], [server(0, 0), server(1, 0)])
    after = model([host(0), holding(coming)], [server(0, 0), server(1, 1)])
    assert Branch(before).amounts[0].tolist() == [4.0, 2.0]
    assert Branch(after).amounts[0].tolist() == [2.0, 2.0]
    assert not after.foreign_allocated.any()


def test_of_a_server_that_grows_only_the_growth_counts_beside_it() -> None:
    built = model([holding(Allocation("s0", 8, 1024, 10))], [server(0, 1)])
    assert built.foreign_allocated[:, 0].tolist() == [6.0, 0.0, 0.0, 0.0]


def test_a_move_and_its_undoing_leave_what_others_hold() -> None:
    built = model([host(0), holding(Allocation("orphan", 3))], [server(0, 0)])
    branch = Branch(built)
    branch.move(0, 1)
    assert branch.amounts[0].tolist() == [0.0, 5.0]
    branch.undo()
    assert branch.amounts[0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("held", "changes", "reason", "sentence"),
    [
        (
            [Allocation(name, 4) for name in ("a", "b", "c", "d")],
            {},
            ROOM_HELD_BY_OTHERS,
            (
                "c1 lacks vcpus: 2.0 needed, 0.0 free; "
                "16.0 are allocated to other consumers: a, b, c, 1 more"
            ),
        ),
        (
            [Allocation("a", 1)],
            {"vcpus": 1},
            CAPACITY_SHORT,
            "c1 lacks vcpus: 2.0 needed, 0.0 free",
        ),
        (
            [Allocation("a", 0, 65536)],
            {},
            ROOM_HELD_BY_OTHERS,
            (
                "c1 lacks memory_mb: 2048.0 needed, 0.0 free; "
                "65536.0 are allocated to other consumers: a"
            ),
        ),
    ],
)
def test_a_refusal_says_who_holds_the_room(
    held: list[Allocation], changes: dict[str, int], reason: Reason, sentence: str
) -> None:
    """Only if it would be enough without them: otherwise they are not what it fails for."""
    built = model([host(0), holding(*held, **changes)], [server(0, 0)])
    [because] = Constraints(built).why_not(Branch(built), 0, 1)
    assert (because.reason, str(because)) == (reason, sentence)


# -- forms ---------------------------------------------------------------------------------------


def test_a_model_comes_back_from_its_columns_with_what_others_hold() -> None:
    booked = (Allocation("a", 1, 2, 3, 4), Allocation("b"))
    built = model([host(0), holding(*reversed(booked))], [server(0, 0)])
    columns = built.to_columns()
    again = ComputeModel.from_columns(json.loads(json.dumps(columns)))
    assert again.hosts.other_allocations[1] == booked
    assert again.hosts.other_allocations[0] is None
    assert again.to_columns() == columns


def test_a_model_in_which_others_hold_nothing_has_no_such_column() -> None:
    """Its form is the one that earlier versions wrote: it keeps its digest."""
    columns = model([host(0)], [server(0, 0)]).to_columns()
    assert "other_allocations" not in str(columns)


def test_hosts_with_figures_that_cannot_be_are_set_aside() -> None:
    built, [bad] = ComputeModel.build([host(0), holding(Allocation("a", -1))], [])
    assert built.hosts.name == ("c0",)
    assert str(bad.because) == "other_allocations[a] of c1 is (-1, 0, 0, 0)"


# -- members of groups that hold room where they are not yet ---------------------------------------

APART = GroupRow("g", policy="anti-affinity", members=("s0", "s1", "new"))


@pytest.mark.parametrize("consumer", ["s1", "new"])
def test_a_member_on_its_way_to_a_host_keeps_other_members_off_it(consumer: str) -> None:
    """Somebody else was moving s1 to c2, or a new member was being built there. s0 was sent after
    it: the scheduler let that through, c2 refused it, and s0 was left in error."""
    coming = host(2, other_allocations=(Allocation(consumer, 1),))
    moving = server(1, 1, task_state="migrating")
    built = model([host(0), host(1), coming, host(3)], [server(0, 0), moving], (APART,))
    refused = Constraints(built).why_not(Branch(built), 0, 2)
    assert [one.reason for one in refused] == [GROUP_ANTI_AFFINITY]
    assert Verifier(built).broken(0, 2) == {"AntiAffinity"}
    assert Constraints(built).why_not(Branch(built), 0, 3) == ()
    assert Verifier(built).broken(0, 3) == set()


def test_what_a_server_holds_itself_does_not_keep_it_off() -> None:
    held = host(1, other_allocations=(Allocation("s0", 1), Allocation("stranger", 1)))
    built = model([host(0), held], [server(0, 0)], (APART,))
    assert Constraints(built).why_not(Branch(built), 0, 1) == ()
    assert Verifier(built).broken(0, 1) == set()


def test_a_member_that_is_where_it_holds_room_counts_once() -> None:
    two = replace(APART, max_per_host=2)
    here = host(1, other_allocations=(Allocation("s1", 9),))
    built = model([host(0), here], [server(0, 0), server(1, 1)], (two,))
    assert Constraints(built).why_not(Branch(built), 0, 1) == ()
    assert Verifier(built).broken(0, 1) == set()
