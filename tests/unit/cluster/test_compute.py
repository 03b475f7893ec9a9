import json
from dataclasses import replace

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import BAD_VALUE, DUPLICATE_HOST, FLAVOR_MISSING, UNKNOWN_HOST
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow
from tests.unit.cluster.build import host, model, server


def rich() -> ComputeModel:
    return model(
        [
            host(1, zone="az2", traits=("B", "A"), aggregates=("agg",), devices={"gpu": 2}),
            host(0, status="disabled", disabled_reason="why", pcpus=4, generation=7),
        ],
        [
            server(1, 0, metadata={"k": "v"}, groups=("g1",), pinned_zone="az2", locked=True),
            server(0, 1, extra_specs={"hw:cpu_policy": "dedicated"}, task_state="resizing"),
            server(2, None, state="SHELVED_OFFLOADED"),
        ],
        (GroupRow("g1", "group", "affinity", ("s1",)),),
        (AggregateRow("1", "agg", "fast", None, ("c1",), {"ssd": "true"}),),
    )


def test_indices_follow_ids_however_the_cloud_was_listed() -> None:
    hosts, servers = [host(n) for n in range(5)], [server(n, n % 5) for n in range(20)]
    forward = model(hosts, servers)
    backward = model(hosts[::-1], servers[::-1])
    assert forward.to_columns() == backward.to_columns()
    assert forward.hosts.id == ("h0", "h1", "h2", "h3", "h4")


def test_the_json_form_leads_back_to_the_same_model() -> None:
    before = rich().to_columns()
    after = ComputeModel.from_columns(json.loads(json.dumps(before)))
    assert after.to_columns() == before
    assert after.servers.groups[1] == ("g1",)
    assert after.hosts.traits[1] == ("A", "B")
    assert after.unplaced.state[0] == "shelved_offloaded"
    assert after.groups == rich().groups
    assert after.aggregates == rich().aggregates


def test_an_empty_cloud_is_a_model_too() -> None:
    empty = model([], [])
    assert ComputeModel.from_columns(empty.to_columns()).to_columns() == empty.to_columns()
    assert empty.capacity.shape == (4, 0)
    assert empty.allocated.shape == (4, 0)


def test_columns_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        rich().hosts.vcpus[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        rich().allocated[0, 0] = 1


def test_capacity_is_what_is_not_reserved_times_the_ratio() -> None:
    built = model(
        [host(0, vcpus_reserved=2, cpu_ratio=4.0, memory_reserved_mb=512, disk_ratio=0.5)], []
    )
    assert built.capacity[:, 0].tolist() == [56.0, 65024.0, 1000.0, 0.0]


def test_more_reserved_than_there_is_leaves_no_room_instead_of_less_than_none() -> None:
    assert model([host(0, vcpus=2, vcpus_reserved=4)], []).capacity[0, 0] == 0.0


def test_a_host_without_disk_of_its_own_is_not_limited_by_disk() -> None:
    assert model([host(0, disk_gb=0)], []).capacity[2, 0] == np.inf


def test_dedicated_cpus_and_devices_are_allocated_apart_from_shared_cpus() -> None:
    specs = {"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "gpu:1"}
    built = model([host(0, pcpus=8, devices={"gpu": 2})], [server(0, 0, extra_specs=specs)])
    assert built.resources == ("vcpus", "memory_mb", "disk_gb", "pcpus", "gpu")
    assert built.allocated[:, 0].tolist() == [0.0, 2048.0, 10.0, 2.0, 1.0]
    assert built.capacity[:, 0].tolist() == [16.0, 65536.0, 2000.0, 8.0, 2.0]


def test_a_server_on_an_unknown_host_is_quarantined_and_the_others_are_used() -> None:
    built, quarantined = ComputeModel.build([host(0)], [server(0, 0), server(1, 9)])
    assert built.servers.id == ("s0",)
    [item] = quarantined
    assert (item.kind, item.id) == ("server", "s1")
    assert str(item.because) == "s1: c9 was not collected"


def test_hosts_that_share_a_name_are_all_quarantined_with_their_servers() -> None:
    twins = [host(0), replace(host(1), name="c0"), host(2)]
    built, quarantined = ComputeModel.build(twins, [server(0, 0), server(1, 2)])
    assert built.hosts.name == ("c2",)
    assert [q.because.reason for q in quarantined] == [
        DUPLICATE_HOST,
        DUPLICATE_HOST,
        UNKNOWN_HOST,
    ]


@pytest.mark.parametrize("field", ["vcpus", "memory_reserved_mb", "cpu_ratio", "pcpus"])
def test_a_host_with_a_negative_figure_is_quarantined_and_the_figure_named(field: str) -> None:
    built, [item] = ComputeModel.build([host(0, **{field: -1}), host(1)], [])
    assert built.hosts.id == ("h1",)
    assert item.because.reason == BAD_VALUE
    assert item.because.facts["field"] == field


def test_a_ratio_that_is_not_a_number_quarantines_its_host() -> None:
    _, [item] = ComputeModel.build([host(0, ram_ratio=float("nan"))], [])
    assert item.because.facts["field"] == "ram_ratio"


def test_a_server_without_flavor_figures_is_quarantined_and_its_host_marked() -> None:
    """Its host would look emptier than it is, so nothing may be concluded from it."""
    built, [item] = ComputeModel.build(
        [host(0), host(1)], [server(0, 0, memory_mb=None), server(1, 1)]
    )
    assert item.because.reason == FLAVOR_MISSING
    assert built.hosts.unseen.tolist() == [1, 0]


def test_a_server_listed_twice_is_used_once() -> None:
    built, [item] = ComputeModel.build([host(0), host(1)], [server(0, 0), server(0, 1)])
    assert built.servers.id == ("s0",)
    assert item.because.facts["field"] == "id"
    assert built.hosts.unseen.tolist() == [0, 1]


def test_servers_on_no_host_are_counted_but_carry_no_load() -> None:
    built = model([host(0)], [server(0, 0), server(1, None, vcpus=None)])
    assert built.servers.id == ("s0",)
    assert built.unplaced.id == ("s1",)
    assert built.allocated[0, 0] == 2.0


def test_a_restricted_model_keeps_whole_hosts_and_remembers_grouped_servers_outside() -> None:
    built = model(
        [host(n) for n in range(3)],
        [server(0, 0), server(1, 1), server(2, 2), server(3, 2)],
        (GroupRow("g", "", "affinity", ("s0", "s2")),),
    )
    part = built.restrict(np.array([False, True, True]), {"s3"})
    assert part.hosts.name == ("c1", "c2")
    assert part.servers.id == ("s1", "s2", "s3")
    assert part.servers.host.tolist() == [0, 1, 1]
    assert part.servers.excluded.tolist() == [False, False, True]
    assert part.outside == frozenset({"s0"})
    assert ComputeModel.from_columns(part.to_columns()).outside == part.outside


def test_restricting_twice_forgets_no_exclusion() -> None:
    built = model([host(0)], [server(0, 0), server(1, 0)])
    everything = np.array([True])
    twice = built.restrict(everything, ["s0"]).restrict(everything, ["s1"])
    assert twice.servers.excluded.tolist() == [True, True]


def test_a_restricted_model_drops_values_that_nobody_has_any_more() -> None:
    built = model([host(0, zone="a"), host(1, zone="b")], [])
    assert built.restrict(np.array([False, True])).hosts.zone.table == ("b",)


def test_hosts_are_found_by_id_and_by_name() -> None:
    built = model([host(0), host(1)], [])
    assert built.host_places["h1"] == built.host_places["c1"] == 1


def test_the_hypervisor_is_called_like_its_service_unless_told_otherwise() -> None:
    rows = [HostRow("h0", "c0"), HostRow("h1", "c1", hypervisor_hostname="c1.example")]
    assert model(rows, []).hosts.hypervisor_hostname == ("c0", "c1.example")


@pytest.mark.parametrize("field", ["vcpus", "memory_mb", "disk_gb", "pcpus", "vcpus_reserved"])
@pytest.mark.parametrize("value", [10**30, 2**63, 1.5, True, "16", None, float("inf")])
def test_an_amount_that_no_column_can_hold_sets_its_host_aside(field: str, value: object) -> None:
    """One absurd inventory (a total beyond 64 bits) ended the whole collection with an
    OverflowError, and half a core was cut off without a word."""
    built, [item] = ComputeModel.build([host(0, **{field: value}), host(1)], [server(1, 1)])
    assert built.hosts.id == ("h1",)
    assert item.because.reason == BAD_VALUE
    assert item.because.facts["field"] == field


@pytest.mark.parametrize("at", [0, None])
@pytest.mark.parametrize("value", [10**30, 2**63, 1.5, True, "4", float("nan"), -1])
def test_a_server_with_an_amount_that_no_column_can_hold_is_set_aside(
    at: int | None, value: object
) -> None:
    """Of a server on a host it ended the model with a TypeError or an OverflowError, and so did
    one that is on no host at all, whose amounts were not checked."""
    bad = server(0, at, vcpus=value)
    built, [item] = ComputeModel.build([host(0), host(1)], [bad, server(1, 1)])
    assert built.servers.id == ("s1",)
    assert len(built.unplaced) == 0
    assert item.because.reason == BAD_VALUE
    assert built.hosts.unseen.tolist() == [int(at == 0), 0]


def test_a_whole_number_written_with_a_fraction_is_a_whole_number() -> None:
    built = model([host(0, vcpus=16.0)], [server(0, 0, memory_mb=2048.0)])
    assert built.hosts.vcpus.tolist() == [16]
    assert built.servers.memory_mb.tolist() == [2048]
