from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow, GroupRow
from domain.cluster.compute.resources import cpu_set, dedicated_cpus
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.rules.capacity import CAPACITY_SHORT, UTILISATION_SHORT
from domain.cluster.placement.rules.concurrency import MOVES_IN_FLIGHT, ConcurrencyLimits
from domain.cluster.placement.rules.operator import Fence, OperatorRules
from domain.cluster.placement.specs import satisfies
from domain.cluster.verifier.extra_specs import masked
from domain.cluster.verifier.verifier import Verifier
from tests.unit.cluster.build import host, model, server


def legal(built: ComputeModel, number: int = 0, **options: Any) -> list[str]:
    """Names of the hosts that a server may go to."""
    branch, rules = Branch(built), Constraints(built, **options)
    return [built.hosts.name[h] for h in np.flatnonzero(rules.legal_hosts(branch, number))]


def why(built: ComputeModel, to: int, number: int = 0, **options: Any) -> list[str]:
    """What keeps a server off a host, as sentences."""
    found = Constraints(built, **options).why_not(Branch(built), number, to)
    return [str(because) for because in found]


def test_a_server_may_go_to_any_other_host_with_room() -> None:
    built = model([host(0), host(1), host(2, vcpus=1)], [server(0, 0)])
    assert legal(built) == ["c1"]
    assert why(built, 0) == ["the server is already on c0"]
    assert why(built, 2) == ["c2 lacks vcpus: 2.0 needed, 1.0 free"]


def test_down_and_disabled_hosts_take_nobody() -> None:
    built = model([host(0), host(1, state="down"), host(2, status="disabled")], [server(0, 0)])
    assert legal(built) == []
    assert why(built, 1) == ["c1 is down"]
    assert why(built, 2) == ["c2 is disabled"]


def test_nobody_leaves_a_host_that_is_down() -> None:
    """Its nova-compute would have to send them: Nova refused moves that were planned as legal."""
    built = model([host(0, state="down"), host(1)], [server(0, 0), server(1, 1)])
    assert legal(built) == []
    assert why(built, 1) == ["c0 is down"]


def test_a_ratio_promises_no_single_server_more_than_the_host_has() -> None:
    """Placement's max_unit is the physical total: Nova refused 10 vCPUs on 8 cores x 4.0, which
    the sums alone allow."""
    small = host(1, vcpus=8, cpu_ratio=4.0, memory_mb=4096, ram_ratio=2.0, disk_gb=0)
    built = model([host(0), small], [server(0, 0, vcpus=8, memory_mb=4096), server(1, 0, vcpus=10)])
    assert legal(built, 0) == ["c1"]
    assert why(built, 1, number=1) == ["c1 lacks vcpus: 10.0 needed, 8.0 free"]


def test_a_host_with_unreadable_servers_takes_nobody() -> None:
    built, _ = ComputeModel.build([host(0), host(1)], [server(0, 0), server(1, 1, vcpus=None)])
    assert why(built, 1) == ["c1 has 1 servers that could not be read"]


def test_a_resource_that_a_server_needs_none_of_is_not_in_its_way() -> None:
    over = [server(n, 1, disk_gb=1500) for n in (1, 2)]
    built = model([host(0), host(1)], [server(0, 0, disk_gb=0), *over])
    assert legal(built) == ["c1"]


def test_use_is_limited_beside_allocation() -> None:
    built = model([host(0), host(1)], [server(0, 0), server(1, 1)])
    need = np.array([[2.0, 0.0], [1.5, 0.0]])
    load = MeasuredLoad.of(need, np.zeros((2, 2)), np.array([[3.0, 3.0], [1.0, 1.0]]))
    rules = Constraints(built)
    [because] = rules.why_not(Branch(built, load), 0, 1)
    assert because.reason == UTILISATION_SHORT
    assert str(because) == "c1 is too busy: cpu 2.0 needed, 1.5 left"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"locked": True}, "server s0 is locked"),
        ({"task_state": "migrating"}, "server s0 is migrating, which does not allow the action"),
        ({"state": "paused"}, "server s0 is paused, which does not allow the action"),
        ({"state": "error"}, "server s0 is error, which does not allow the action"),
        (
            {"status": "VERIFY_RESIZE"},
            "server s0 is VERIFY_RESIZE, which does not allow the action",
        ),
    ],
)
def test_some_servers_cannot_be_moved_at_all(changes: dict[str, Any], sentence: str) -> None:
    built = model([host(0), host(1)], [server(0, 0, **changes)])
    assert legal(built) == []
    assert why(built, 1) == [sentence]


def test_an_excluded_server_stays() -> None:
    built = model([host(0), host(1)], [server(0, 0)])
    fixed = built.restrict(np.array([True, True]), ["s0"])
    assert why(fixed, 1) == ["server s0 is excluded by the audit's scope"]


def test_active_servers_move_live_and_stopped_ones_cold() -> None:
    built = model([host(0)], [server(0, 0), server(1, 0, state="stopped")])
    movability = Constraints(built).movability
    assert [movability.migration_type(n) for n in (0, 1)] == ["live", "cold"]


def test_a_pinned_server_stays_in_its_zone() -> None:
    hosts = [host(0, zone="a"), host(1, zone="a"), host(2, zone="b")]
    built = model(hosts, [server(0, 0, pinned_zone="a")])
    assert legal(built, keep_zone=False) == ["c1"]
    assert why(built, 2) == ["c2 is in zone b, but the server is bound to a"]


def test_an_unpinned_server_stays_in_its_zone_unless_it_may_roam() -> None:
    built = model([host(0, zone="a"), host(1, zone="b")], [server(0, 0)])
    assert legal(built) == []
    assert legal(built, keep_zone=False) == ["c1"]


def test_a_server_pinned_to_a_zone_that_is_gone_fits_nowhere() -> None:
    assert legal(model([host(0), host(1)], [server(0, 0, pinned_zone="gone")])) == []


def test_traits_are_required_and_forbidden() -> None:
    hosts = [host(0), host(1, traits=("FAST",)), host(2, traits=("FAST", "OLD"))]
    specs = {"trait:FAST": "required", "trait1:OLD": "forbidden"}
    built = model(hosts, [server(0, 0, extra_specs=specs)])
    assert legal(built) == ["c1"]
    assert why(built, 2) == ["c2 does not satisfy trait not OLD"]


def test_a_flavor_is_kept_in_the_aggregates_that_it_asks_for() -> None:
    aggregates = (
        AggregateRow("1", hosts=("c0", "c1"), metadata={"ssd": "true"}),
        AggregateRow("2", "agg-2", metadata={"ssd": "true"}),
    )
    hosts = [host(0), host(1), host(2, aggregates=("agg-2",)), host(3)]
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    built = model(hosts, [server(0, 0, extra_specs=specs)], aggregates=aggregates)
    assert legal(built) == ["c1", "c2"]
    assert why(built, 3) == ["c3 is in no aggregate that satisfies ssd=true"]


def test_an_extra_spec_without_scope_counts_only_if_an_aggregate_knows_it() -> None:
    hosts, servers = [host(0), host(1)], [server(0, 0, extra_specs={"ssd": "true", "x": "1"})]
    assert legal(model(hosts, servers)) == ["c1"]
    elsewhere = (AggregateRow("1", hosts=("c0",), metadata={"ssd": "true"}),)
    assert legal(model(hosts, servers, aggregates=elsewhere)) == []


def test_reserved_aggregates_take_their_projects_only() -> None:
    reserved = (AggregateRow("1", hosts=("c1",), metadata={"filter_tenant_id": "p1, p2"}),)
    hosts = [host(0), host(1)]
    servers = [server(0, 0, project_id="p2"), server(1, 0, project_id="p3")]
    built = model(hosts, servers, aggregates=reserved)
    assert legal(built, 0) == ["c1"]
    assert legal(built, 1) == []


def test_hosts_reserved_for_a_trait_take_servers_that_require_it_only() -> None:
    reserved = (AggregateRow("1", hosts=("c1",), metadata={"trait:GPU": "required"}),)
    hosts = [host(0, traits=("GPU",)), host(1, traits=("GPU",))]
    servers = [server(0, 0, extra_specs={"trait:GPU": "required"}), server(1, 0)]
    built = model(hosts, servers, aggregates=reserved)
    assert legal(built, 0) == ["c1"]
    assert why(built, 1, number=1) == ["c1 is in no aggregate that satisfies trait:GPU"]


def test_pinned_cpus_and_devices_need_a_host_that_has_them() -> None:
    hosts = [host(0, pcpus=4), host(1), host(2, pcpus=1), host(3, pcpus=4, devices={"gpu": 1})]
    specs = {"hw:cpu_policy": "dedicated"}
    gpu = {"pci_passthrough:alias": "gpu:1"}
    built = model(hosts, [server(0, 0, extra_specs=specs), server(1, 0, extra_specs=gpu)])
    assert legal(built, 0) == ["c3"]
    assert why(built, 2) == ["c2 cannot pin 2.0 CPUs: 1.0 free"]
    assert legal(built, 1) == ["c3"]
    assert why(built, 2, number=1) == ["c2 lacks PCI device gpu"]


def test_anti_affinity_keeps_members_apart() -> None:
    group = GroupRow("g", policy="anti-affinity", members=("s0", "s1"))
    built = model([host(0), host(1), host(2)], [server(0, 0), server(1, 1)], (group,))
    assert legal(built) == ["c2"]
    assert why(built, 1) == ["c1 already has a member of anti-affinity group g"]


def test_anti_affinity_may_allow_several_members_on_a_host() -> None:
    group = GroupRow("g", policy="anti-affinity", members=("s0", "s1", "s2"), max_per_host=2)
    servers = [server(0, 0), server(1, 1), server(2, 2)]
    assert legal(model([host(n) for n in range(3)], servers, (group,))) == ["c1", "c2"]


def test_affinity_lets_a_member_go_only_where_another_is() -> None:
    group = GroupRow("g", policy="affinity", members=("s0", "s1"))
    apart = model([host(0), host(1), host(2)], [server(0, 0), server(1, 1)], (group,))
    assert legal(apart) == ["c1"]
    united = model([host(0), host(1)], [server(0, 0), server(1, 0)], (group,))
    assert why(united, 1) == ["affinity group g must stay together on c0"]


def test_a_lone_member_of_an_affinity_group_stays_but_one_of_an_operators_list_is_free() -> None:
    """Nova counts a server's own host among those of its group, and refuses every other host; a
    move that ran into this was planned as legal."""
    group = GroupRow("g", policy="affinity", members=("s0",))
    alone = model([host(0), host(1)], [server(0, 0)], (group,))
    assert why(alone, 1) == ["affinity group g must stay together on another host"]
    listed = OperatorRules(together=(("s0", "gone"),))
    assert legal(model([host(0), host(1)], [server(0, 0)]), operator=listed) == ["c1"]


def test_of_several_affinity_rules_the_one_that_fails_is_named() -> None:
    """The first list was named, although it binds no server: its other member is gone."""
    lists = OperatorRules(together=(("s0", "gone"), ("s0", "s1")))
    built = model([host(0), host(1)], [server(0, 0), server(1, 0)])
    assert why(built, 1, operator=lists) == [
        "affinity group operator-together-1 must stay together on c0"
    ]


def test_an_affinity_group_with_members_outside_the_scope_stays_where_it_is() -> None:
    group = GroupRow("g", policy="affinity", members=("s0", "s1"))
    built = model([host(n) for n in range(3)], [server(0, 0), server(1, 2)], (group,))
    assert legal(built.restrict(np.array([True, True, False]))) == []


def test_groups_named_by_servers_count_like_those_that_name_servers() -> None:
    group = GroupRow("g", policy="anti-affinity")
    servers = [server(0, 0, groups=("g",)), server(1, 1, groups=("g",))]
    assert legal(model([host(0), host(1)], servers, (group,))) == []


def test_soft_groups_are_a_preference() -> None:
    groups = (
        GroupRow("a", policy="soft-affinity", members=("s0", "s1")),
        GroupRow("b", policy="soft-anti-affinity", members=("s0", "s2")),
    )
    servers = [server(0, 0), server(1, 1), server(2, 2)]
    built = model([host(n) for n in range(3)], servers, groups)
    rules, branch = Constraints(built), Branch(built)
    penalty = rules.soft_penalty(branch, 0)
    assert penalty is not None
    assert penalty.tolist() == [1, 0, 2]
    assert rules.soft_penalty(Branch(built), 1) is not None
    assert legal(built) == ["c1", "c2"]


def test_an_operator_keeps_apart_keeps_together_fences_and_bans() -> None:
    built = model([host(n) for n in range(4)], [server(0, 0), server(1, 1), server(2, 2)])
    assert legal(built, operator=OperatorRules(apart=(("s0", "s1"),))) == ["c2", "c3"]
    assert legal(built, operator=OperatorRules(together=(("s0", "s2"),))) == ["c2"]
    fenced = OperatorRules(fences=(Fence(("s0",), ("c1", "c2")),), bans=(Fence(("s0",), ("c1",)),))
    assert legal(built, operator=fenced) == ["c2"]
    assert legal(built, 1, operator=fenced) == ["c0", "c2", "c3"]
    assert why(built, 3, operator=fenced) == ["an operator rule does not allow s0 on c3"]


def test_moves_in_flight_hold_both_ends_and_count() -> None:
    built = model([host(n, vcpus=3) for n in range(3)], [server(0, 0), server(1, 2)])
    branch = Branch(built)
    rules = Constraints(built, concurrency=ConcurrencyLimits(per_host=1))
    branch.start_move(0, 1)
    assert not rules.legal_hosts(branch, 1).any()
    assert {b.reason for b in rules.why_not(branch, 1, 1)} == {
        CAPACITY_SHORT,
        MOVES_IN_FLIGHT,
    }
    branch.finish_move(0)
    assert np.flatnonzero(rules.legal_hosts(branch, 1)).tolist() == [0]


def test_a_limit_on_all_moves_in_flight_counts_every_host() -> None:
    built = model([host(n) for n in range(4)], [server(0, 0), server(1, 2)])
    branch = Branch(built)
    branch.start_move(0, 1)
    assert (
        not Constraints(built, concurrency=ConcurrencyLimits(total=1)).legal_hosts(branch, 1).any()
    )
    assert Constraints(built, concurrency=ConcurrencyLimits(total=2)).is_legal(branch, 1, 3)


def test_an_explanation_has_a_mask_for_every_rule() -> None:
    built = model([host(0), host(1, state="down")], [server(0, 0)])
    explanation = Constraints(built).explain(Branch(built), 0)
    assert explanation.fixed is None
    assert explanation.masks["ServiceUp"].tolist() == [True, False]
    assert explanation.masks["Capacity"].tolist() == [True, True]
    assert explanation.legal.tolist() == [False, False]


@pytest.mark.parametrize(
    ("value", "wanted", "met"),
    [
        ("true", "true", True),
        ("true", "false", False),
        ("3", ">= 2", True),
        ("1", ">= 2", False),
        ("3", "= 2", True),
        ("2", "<= 2", True),
        ("2", "== 2.0", True),
        ("2", "!= 2", False),
        ("x", ">= 2", False),
        ("b", "s> a", True),
        ("b", "s== b", True),
        ("b", "s!= b", False),
        ("avx2 sse", "<in> avx2", True),
        ("avx2 sse", "<all-in> avx2 sse", True),
        ("avx2", "<all-in> avx2 sse", False),
        ("b", "<or> a <or> b", True),
        ("c", "<or> a <or> b", False),
        ("", "", True),
        ("a", ">=", False),
    ],
)
def test_wanted_values_are_compared_by_their_operator(value: str, wanted: str, met: bool) -> None:
    assert satisfies(value, wanted) is met


@pytest.mark.parametrize(
    ("specs", "pinned"),
    [
        ({}, 0),
        ({"hw:cpu_policy": "shared"}, 0),
        ({"hw:cpu_policy": "dedicated"}, 4),
        ({"hw:cpu_policy": "mixed"}, 4),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-1"}, 2),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0"}, 3),
        ({"resources:PCPU": "3"}, 3),
    ],
)
def test_pinned_cpus_follow_the_flavor(specs: dict[str, str], pinned: int) -> None:
    assert dedicated_cpus(4, specs) == pinned


def test_a_cpu_mask_that_cannot_be_read_counts_as_every_cpu() -> None:
    assert cpu_set("zero", 2) == {0, 1}
    assert cpu_set("0-9", 2) == {0, 1}


def test_the_documentation_lists_exactly_the_rules_there_are() -> None:
    text = (Path(__file__).parents[3] / "docs" / "constraints.md").read_text()
    table = text.split("## Rules")[1].split("### Details")[0]
    listed = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")}
    built = model([host(0)], [server(0, 0)])
    assert listed - {"rule"} == set(Constraints(built).explain(Branch(built), 0).masks)


@pytest.mark.parametrize(
    "specs",
    [
        {"resources:PCPU": "²"},
        {"resources:PCPU": "9" * 5000},
        {"pci_passthrough:alias": "gpu:²"},
        {"pci_passthrough:alias": f"gpu:{'9' * 400}"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "²"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": f"0-{'9' * 5000}"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-99999999999999999"},
        {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0,^0-99999999999999999"},
        {"hw:numa_nodes": "9" * 5000},
        {"hw:mem_page_size": "9" * 5000},
        {"hw:numa_nodes": "1", "hw:numa_cpus.0": "0-1", "hw:numa_mem.0": "9" * 5000},
    ],
)
def test_an_odd_extra_spec_concerns_its_own_server_only(specs: dict[str, str]) -> None:
    """A superscript two, which is a digit but no number, ended the model of the whole cloud; a
    mask with too many nines filled the memory."""
    built = model([host(0), host(1)], [server(0, 0, extra_specs=specs), server(1, 0)])
    odd, plain = Verifier(built).broken(0, 1), Verifier(built).broken(1, 1)
    assert plain == set()
    assert legal(built, 1) == ["c1"]
    assert (legal(built, 0) == ["c1"]) is (odd == set())


def test_a_mask_may_name_more_cpus_than_there_are() -> None:
    assert cpu_set("1-9", 4) == {1, 2, 3} == masked("1-9", 4)
    assert cpu_set("^2-9", 4) == {0, 1} == masked("^2-9", 4)
    assert cpu_set("7-9", 4) == set() == masked("7-9", 4)
    assert cpu_set("3-1", 4) == masked("3-1", 4)
