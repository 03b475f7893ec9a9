from typing import Any

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import AggregateRow
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.kernel.errors import InvalidValue
from tests.unit.cluster.build import host, model, server


def cloud() -> ComputeModel:
    return model(
        [host(0, zone="z0"), host(1, zone="z0"), host(2, zone="z1")],
        [
            server(0, 0, project_id="p1", metadata={"a": "1", "b": "9"}),
            server(1, 1, project_id="p2", metadata={"a": "1"}),
            server(2, 2, project_id="p1", metadata={"a": "8", "b": "9"}),
        ],
        aggregates=(
            AggregateRow("1", "u1", "a1", hosts=("c0", "c1")),
            AggregateRow("2", "u2", "a2", hosts=("c2",)),
        ),
    )


def hosts(*rules: dict[str, Any]) -> list[str]:
    built = cloud()
    selection = parse_scope([{"compute": list(rules)}]).select(built)
    return [built.hosts.name[h] for h in np.flatnonzero(selection.hosts)]


def fixed(*exclusions: dict[str, Any]) -> list[str]:
    scope = parse_scope([{"compute": [{"exclude": list(exclusions)}]}])
    return sorted(scope.select(cloud()).excluded)


@pytest.mark.parametrize("scope", [None, [], [{"compute": []}], [{"storage": [{}]}]])
def test_without_compute_rules_the_whole_cloud_is_in_scope(scope: object) -> None:
    selection = parse_scope(scope).select(cloud())
    assert selection.hosts.tolist() == [True, True, True]
    assert selection.excluded == frozenset()
    assert selection.notes == ()


def test_aggregates_are_named_by_id_or_by_name() -> None:
    assert hosts({"host_aggregates": [{"id": 1}]}) == ["c0", "c1"]
    assert hosts({"host_aggregates": [{"name": "a2"}]}) == ["c2"]
    assert hosts({"host_aggregates": [{"id": "*"}]}) == ["c0", "c1", "c2"]


def test_rules_add_up() -> None:
    rules = [{"host_aggregates": [{"name": "a1"}]}, {"availability_zones": [{"name": "z1"}]}]
    assert hosts(*rules) == ["c0", "c1", "c2"]


def test_both_kinds_in_one_rule_count() -> None:
    both = {"host_aggregates": [{"id": 2}], "availability_zones": [{"name": "z0"}]}
    assert hosts(both) == ["c0", "c1", "c2"]


def test_a_scope_that_selects_nothing_says_so_and_names_what_is_unknown() -> None:
    selection = parse_scope([{"compute": [{"host_aggregates": [{"id": 99}]}]}]).select(cloud())
    assert not selection.hosts.any()
    assert [str(note) for note in selection.notes] == [
        "the scope names aggregate id 99, which does not exist",
        "The audit scope selects no compute host.",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        {"host_aggregates": []},
        {"availability_zones": []},
        {"host_aggregates": [{}]},
        {"availability_zones": [{}]},
        {"host_aggregates": [], "exclude": [{"compute_nodes": [{"name": "c0"}]}]},
    ],
)
def test_an_include_rule_that_names_nothing_selects_nothing(rule: dict[str, Any]) -> None:
    """A list of aggregates that a script had left empty opened the whole cloud to the audit."""
    selection = parse_scope([{"compute": [rule]}]).select(cloud())
    assert not selection.hosts.any()
    assert [note.reason for note in selection.notes] == [MODEL_EMPTY]
    assert hosts(rule, {"availability_zones": [{"name": "z1"}]}) == ["c2"]


def test_excluded_hosts_leave_with_their_servers() -> None:
    scope = parse_scope([{"compute": [{"exclude": [{"compute_nodes": [{"name": "c1"}]}]}]}])
    part, selection = scope.apply(cloud())
    assert part.hosts.name == ("c0", "c2")
    assert part.servers.id == ("s0", "s2")
    assert selection.notes == ()


def test_a_host_is_excluded_by_the_name_of_its_hypervisor_too() -> None:
    """What `openstack hypervisor list` calls a host is not always what its service is called: a
    host that was to be left alone was emptied, with a note that it was unknown."""
    built = model([host(0, hypervisor_hostname="c0.example.org"), host(1)], [server(0, 0)])
    excluded = [{"compute_nodes": [{"name": "c0.example.org"}]}]
    selection = parse_scope([{"compute": [{"exclude": excluded}]}]).select(built)
    assert selection.hosts.tolist() == [False, True]
    assert selection.notes == ()


def test_an_excluded_host_that_does_not_exist_is_only_remarked_on() -> None:
    scope = parse_scope([{"compute": [{"exclude": [{"compute_nodes": [{"name": "c9"}]}]}]}])
    selection = scope.select(cloud())
    assert selection.hosts.all()
    assert [str(note) for note in selection.notes] == [
        "the scope names compute node c9, which does not exist"
    ]


def test_excluded_servers_stay_as_load_and_may_not_move() -> None:
    assert fixed({"instances": [{"uuid": "s1"}]}) == ["s1"]
    assert fixed({"projects": [{"uuid": "p1"}]}) == ["s0", "s2"]


def test_every_key_of_an_exclusion_counts() -> None:
    exclusion = {"instances": [{"uuid": "s0"}], "compute_nodes": [{"name": "c1"}]}
    assert fixed(exclusion) == ["s0"]
    assert hosts({"exclude": [exclusion]}) == ["c0", "c2"]


def test_excluded_metadata_needs_all_keys_and_one_equal_value() -> None:
    assert fixed({"instance_metadata": [{"a": 1}, {"b": 2}]}) == ["s0"]
    assert fixed({"instance_metadata": [{"a": "1"}]}) == ["s0", "s1"]


def test_excluded_aggregates_take_their_hosts_out() -> None:
    assert hosts({"exclude": [{"host_aggregates": [{"id": 1}]}]}) == ["c2"]


def test_the_older_form_is_a_bare_list_of_compute_rules() -> None:
    selection = parse_scope([{"availability_zones": [{"name": "z1"}]}]).select(cloud())
    assert selection.hosts.tolist() == [False, False, True]


def test_the_first_entry_with_compute_rules_counts() -> None:
    rules = [{"availability_zones": [{"name": "z1"}]}]
    scope = [{"storage": []}, {"compute": []}, {"compute": rules}]
    assert parse_scope(scope).select(cloud()).hosts.tolist() == [False, False, True]


ROOT = "scope[0].compute"


@pytest.mark.parametrize(
    ("compute", "field"),
    [
        ({}, ROOT),
        ([1], f"{ROOT}[0]"),
        ([{"hosts": []}], f"{ROOT}[0].hosts"),
        ([{"host_aggregates": 3}], f"{ROOT}[0].host_aggregates"),
        ([{"host_aggregates": [{"id": "x"}]}], f"{ROOT}[0].host_aggregates[0].id"),
        ([{"host_aggregates": [{"id": True}]}], f"{ROOT}[0].host_aggregates[0].id"),
        ([{"host_aggregates": [{"id": "*"}, {"id": 1}]}], f"{ROOT}[0].host_aggregates"),
        (
            [{"availability_zones": [{"name": "*"}, {"name": "z0"}]}],
            f"{ROOT}[0].availability_zones",
        ),
        ([{"availability_zones": [{"name": 1}]}], f"{ROOT}[0].availability_zones[0].name"),
        ([{"exclude": [{}, {"projects": [{"id": "p"}]}]}], f"{ROOT}[0].exclude[1].projects[0].id"),
        ([{"exclude": [{"instance_metadata": [1]}]}], f"{ROOT}[0].exclude[0].instance_metadata[0]"),
        (
            [
                {"host_aggregates": [{"id": 1}]},
                {"exclude": [{"host_aggregates": [{"id": 2}]}]},
            ],
            ROOT,
        ),
    ],
)
def test_what_is_wrong_with_a_scope_is_named_by_its_place(compute: object, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_scope([{"compute": compute}])
    assert caught.value.field == field


def test_a_scope_must_be_a_list_of_known_kinds() -> None:
    with pytest.raises(InvalidValue, match=r"^scope: must be a list"):
        parse_scope({"compute": []})
    with pytest.raises(InvalidValue, match=r"^scope\[0\]\.network: must be one of"):
        parse_scope([{"network": []}])
