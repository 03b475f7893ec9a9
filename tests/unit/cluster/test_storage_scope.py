"""Storage scopes: what they select, and that they say when that is nothing."""

from typing import Any

import pytest

from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.reasons import STORAGE_EMPTY
from domain.cluster.scope.storage import parse_storage_scope
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.kernel.errors import InvalidValue

Names = tuple[str, ...]
Selected = tuple[Names, Names, Names, list[str]]


def cloud() -> StorageModel:
    """A backend in each of three zones, two pools in the first, a volume in each pool."""
    model, quarantined = StorageModel.build(
        [StorageNodeRow(f"h@{name}", zone=f"z-{name}") for name in "abc"],
        [PoolRow(name) for name in ("h@a#1", "h@a#2", "h@b#1", "h@c#1")],
        [
            VolumeRow("v1", pool="h@a#1", size_gb=1, project_id="p"),
            VolumeRow("v2", pool="h@a#2", size_gb=1, project_id="q"),
            VolumeRow("v3", pool="h@b#1", size_gb=1, project_id="p"),
            VolumeRow("v4", pool="h@c#1", size_gb=1, project_id="q"),
            VolumeRow("loose", size_gb=1, project_id="q"),
        ],
        [VolumeTypeRow("1", "gold", "b"), VolumeTypeRow("2", "lead", "nowhere")],
    )
    assert quarantined == ()
    return model


def selected(*rules: Any) -> Selected:
    """Backends, pools, volumes and notes of a scope."""
    model, selection = parse_storage_scope([{"storage": list(rules)}]).apply(cloud())
    notes = [str(note.facts.get("name", note.reason)) for note in selection.notes]
    return model.nodes.host, model.pools.name, model.volumes.id, notes


EVERYTHING: Selected = (
    ("h@a", "h@b", "h@c"),
    ("h@a#1", "h@a#2", "h@b#1", "h@c#1"),
    ("v1", "v2", "v3", "v4"),
    [],
)


@pytest.mark.parametrize(
    "scope",
    [
        None,
        [],
        [{"storage": []}],
        [{"compute": [{"availability_zones": [{"name": "x"}]}]}],
        [{"host_aggregates": [{"id": 1}]}],
    ],
)
def test_without_storage_rules_everything_is_selected(scope: object) -> None:
    model, selection = parse_storage_scope(scope).apply(cloud())
    assert model.to_columns() == cloud().to_columns()
    assert selection.notes == ()


def test_a_scope_of_storage_alone_is_legal_for_both_models() -> None:
    """Defect of the ancestor: validation read the compute rules of the first entry, always."""
    scope = [{"storage": [{"availability_zones": [{"name": "z-a"}]}]}]
    assert parse_scope(scope) == parse_scope([])
    model, _ = parse_storage_scope(scope).apply(cloud())
    assert model.nodes.host == ("h@a",)


def test_zones_and_types_include_the_union_of_their_backends() -> None:
    """Defect of the ancestor: any scope by volume type failed with a TypeError."""
    assert selected({"availability_zones": [{"name": "z-c"}]})[0] == ("h@c",)
    assert selected({"volume_types": [{"name": "gold"}]})[0] == ("h@b",)
    both = {"availability_zones": [{"name": "z-a"}], "volume_types": [{"name": "gold"}]}
    assert selected(both) == (
        ("h@a", "h@b"),
        ("h@a#1", "h@a#2", "h@b#1"),
        ("v1", "v2", "v3"),
        [],
    )
    apart = ({"availability_zones": [{"name": "z-a"}]}, {"volume_types": [{"name": "gold"}]})
    assert selected(*apart) == selected(both)


@pytest.mark.parametrize("key", ["availability_zones", "volume_types"])
def test_the_wildcard_alone_includes_everything(key: str) -> None:
    assert selected({key: [{"name": "*"}]}) == EVERYTHING


@pytest.mark.parametrize(
    ("rule", "notes"),
    [
        ({"availability_zones": [{"name": "nowhere"}]}, ["nowhere", STORAGE_EMPTY]),
        ({"volume_types": [{"name": "tin"}]}, ["tin", STORAGE_EMPTY]),
        ({"volume_types": [{"name": "lead"}]}, [STORAGE_EMPTY]),
        ({"volume_types": []}, [STORAGE_EMPTY]),
        ({"availability_zones": [{}]}, [STORAGE_EMPTY]),
    ],
)
def test_an_include_rule_that_matches_nothing_selects_nothing_and_says_so(
    rule: Any, notes: list[str]
) -> None:
    """Defect of the ancestor: it selected everything."""
    assert selected(rule) == ((), (), (), notes)


def test_excluded_pools_go_with_their_volumes() -> None:
    nodes, pools, volumes, notes = selected({"exclude": [{"storage_pools": [{"name": "h@a#1"}]}]})
    assert nodes == EVERYTHING[0]
    assert pools == EVERYTHING[1][1:]
    assert volumes == ("v2", "v3", "v4")
    assert notes == []


def test_excluded_volumes_and_projects_go_also_when_they_are_in_no_pool() -> None:
    rule = {"exclude": [{"volumes": [{"uuid": "v1"}], "projects": [{"uuid": "q"}]}]}
    assert selected(rule)[2] == ("v3",)
    model, _ = parse_storage_scope([{"storage": [rule]}]).apply(cloud())
    assert model.unplaced.id == ()
    assert model.pools.node.tolist() == [0, 0, 1, 2]


def test_indices_still_fit_after_a_backend_in_the_middle_is_gone() -> None:
    rules = {"availability_zones": [{"name": "z-a"}, {"name": "z-c"}]}
    model, _ = parse_storage_scope([{"storage": [rules]}]).apply(cloud())
    homes = {model.volumes.id[v]: model.pools.name[p] for v, p in enumerate(model.volumes.pool)}
    assert homes == {"v1": "h@a#1", "v2": "h@a#2", "v4": "h@c#1"}
    assert model.nodes.host[int(model.pools.node[2])] == "h@c"


def test_excluded_names_that_do_not_exist_are_noted_and_nothing_fails() -> None:
    rule = {"exclude": [{"storage_pools": [{"name": "x"}], "volumes": [{"uuid": "y"}]}]}
    assert selected(rule) == (*EVERYTHING[:3], ["x", "y"])


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (7, "scope[0].storage[0]"),
        ({"host_aggregates": []}, "scope[0].storage[0].host_aggregates"),
        ({"volume_types": {}}, "scope[0].storage[0].volume_types"),
        ({"volume_types": [{"id": "x"}]}, "scope[0].storage[0].volume_types[0].id"),
        ({"volume_types": [{"name": 1}]}, "scope[0].storage[0].volume_types[0].name"),
        (
            {"availability_zones": [{"name": "*"}, {"name": "z"}]},
            "scope[0].storage[0].availability_zones",
        ),
        ({"exclude": [{"instances": []}]}, "scope[0].storage[0].exclude[0].instances"),
        (
            {"exclude": [{}, {"volumes": [{"name": "v"}]}]},
            "scope[0].storage[0].exclude[1].volumes[0].name",
        ),
    ],
)
def test_what_is_wrong_with_a_scope_is_named_by_its_place(rule: object, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_storage_scope([{"storage": [rule]}])
    assert caught.value.field == field
