"""Counts of changes add up, whatever two models hold."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from application.cluster_models.kinds import BAREMETAL, KINDS, STORAGE, CollectedKind
from application.cluster_models.record import decode_model, encode_model
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow

_CAPACITY = st.sampled_from([None, "unknown", "infinite", 10, 20])
_POOL = st.sampled_from([None, "a@x#1", "a@x#2", "b@y#1"])


@st.composite
def storage_models(draw: st.DrawFn) -> StorageModel:
    """A few backends, pools and volumes, in any order and any state."""
    hosts = draw(st.sets(st.sampled_from(["a@x", "b@y"])))
    nodes = [StorageNodeRow(host, status=draw(st.sampled_from(["up", "x"]))) for host in hosts]
    names = draw(st.sets(_POOL.filter(bool)))
    pools = [PoolRow(str(name), total_gb=draw(_CAPACITY)) for name in names]
    volumes = [
        VolumeRow(
            id=identity,
            pool=draw(_POOL),
            size_gb=draw(st.integers(1, 2)),
            bootable=False,
            multiattach=False,
            encrypted=False,
        )
        for identity in draw(st.permutations(sorted(draw(st.sets(st.sampled_from("uvwxyz"))))))
    ]
    return StorageModel.build(nodes, draw(st.permutations(pools)), volumes)[0]


@st.composite
def baremetal_models(draw: st.DrawFn) -> BaremetalModel:
    """A few machines."""
    return BaremetalModel.build(
        BaremetalNodeRow(identity, maintenance=draw(st.booleans()))
        for identity in draw(st.sets(st.sampled_from("uvwxyz")))
    )[0]


@given(storage_models(), storage_models())
def test_counts_of_storage_add_up(before: StorageModel, after: StorageModel) -> None:
    add_up(STORAGE, before, after)


@given(baremetal_models(), baremetal_models())
def test_counts_of_machines_add_up(before: BaremetalModel, after: BaremetalModel) -> None:
    add_up(BAREMETAL, before, after)


def add_up(kind: CollectedKind[Any], before: Any, after: Any) -> None:
    """What was, less what went, and what came, is what is; equal records differ in nothing."""
    changes, old, new = kind.changes(before, after), kind.sizes(before), kind.sizes(after)
    for things, count in old.items():
        added, removed = changes[f"{things}_added"], changes[f"{things}_removed"]
        assert count - removed + added == new[things]
        stayed = count - removed
        assert 0 <= changes.get(f"{things}_moved", 0) + changes[f"{things}_changed"] <= stayed
    content = encode_model(kind, before, ())
    equal = encode_model(kind, after, ()) == content
    assert equal == (not any(changes.values()))
    again = decode_model(content).read(kind)
    assert encode_model(kind, again, ()) == content
    assert not any(kind.changes(before, again).values())
    first = kind.changes(None, before)
    assert {name: count for name, count in first.items() if count} == {
        f"{things}_added": count for things, count in old.items() if count
    }


def test_every_kind_has_its_keeper() -> None:
    assert set(KINDS) == set(ModelKind)
