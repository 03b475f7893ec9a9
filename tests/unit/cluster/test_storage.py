"""The storage model: what is admitted, what is unknown, what is derived."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cluster.compute.reasons import BAD_VALUE, UNKNOWN_HOST
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)

NODE = StorageNodeRow(host="h@ssd", zone="z")
POOL = PoolRow(
    name="h@ssd#p",
    total_volumes=2,
    total_gb=1000,
    free_gb=400,
    provisioned_gb=600,
    allocated_gb=600,
    thick=True,
)
VOLUME = VolumeRow(id="v", name="data", pool="h@ssd#p", size_gb=10, status="in-use")


def built(*volumes: VolumeRow, pools: tuple[PoolRow, ...] = (POOL,)) -> StorageModel:
    """A model of what is all usable."""
    model, quarantined = StorageModel.build([NODE], pools, volumes)
    assert quarantined == ()
    return model


def with_figure(name: str, field: str, value: object) -> PoolRow:
    """The usual pool under another name and with one figure changed."""
    changes: dict[str, Any] = {"name": name, field: value}
    return replace(POOL, **changes)


def virtual_free(**changes: Any) -> float:
    """What may still be promised of a pool."""
    return float(built(pools=(replace(POOL, **changes),)).pools.virtual_free_gb[0])


@pytest.mark.parametrize(
    ("reported", "known"),
    [
        (12, 12.0),
        (12.5, 12.5),
        ("12.5", 12.5),
        (0, 0.0),
        ("infinite", math.inf),
        ("Infinite", math.inf),
        ("unknown", math.nan),
        ("", math.nan),
        (None, math.nan),
    ],
)
def test_a_capacity_is_a_number_or_infinite_or_explicitly_unknown(
    reported: object, known: float
) -> None:
    """Defect of the ancestor: one pool that says "unknown" or "infinite" broke the whole model."""
    rows = tuple(
        with_figure(f"h@ssd#{field}", field, reported)
        for field in ("total_gb", "free_gb", "allocated_gb")
    )
    model = built(pools=rows)
    for field in ("total_gb", "free_gb", "allocated_gb"):
        value = float(getattr(model.pools, field)[model.pool_places[f"h@ssd#{field}"]])
        assert value == known or (math.isnan(known) and math.isnan(value))


@pytest.mark.parametrize("field", ["total_gb", "free_gb", "provisioned_gb", "allocated_gb"])
@pytest.mark.parametrize("nonsense", ["plenty", -1, "-1", True, [], "nan", "inf", float("-inf")])
def test_a_pool_with_a_senseless_capacity_is_quarantined_and_the_others_are_used(
    field: str, nonsense: object
) -> None:
    bad = with_figure("h@ssd#bad", field, nonsense)
    model, quarantined = StorageModel.build([NODE], [bad, POOL], [VOLUME])
    assert model.pools.name == ("h@ssd#p",)
    assert [(q.kind, q.id, q.because.reason) for q in quarantined] == [
        ("pool", "h@ssd#bad", BAD_VALUE)
    ]
    assert quarantined[0].because.facts["field"] == field


@pytest.mark.parametrize(
    ("reported", "known"),
    [(7, 7), ("7", 7), (7.0, 7), (None, -1), ("unknown", -1), ("", -1), ("infinite", -1)],
)
def test_a_number_of_volumes_that_a_backend_cannot_tell_is_unknown(
    reported: Any, known: int
) -> None:
    """A driver that reported its number of volumes as text ended the whole storage model with a
    ValueError, though nothing rests on that number."""
    pool = with_figure("h@ssd#p", "total_volumes", reported)
    assert built(pools=(pool,)).pools.total_volumes.tolist() == [known]


@pytest.mark.parametrize("reported", ["x", -1, 10**30, 10**400, True, {}])
def test_a_senseless_number_of_volumes_sets_its_pool_aside(reported: Any) -> None:
    odd = with_figure("h@ssd#odd", "total_volumes", reported)
    model, [item] = StorageModel.build([NODE], [POOL, odd])
    assert model.pools.name == ("h@ssd#p",)
    assert item.because.facts["field"] == "total_volumes"


def test_a_volume_of_a_size_that_no_column_can_hold_is_set_aside() -> None:
    """It ended the whole storage model with an OverflowError."""
    odd = replace(VOLUME, id="w", size_gb=2**63)
    model, [item] = StorageModel.build([NODE], [POOL], [VOLUME, odd])
    assert model.volumes.id == ("v",)
    assert item.because.facts["field"] == "size"


@pytest.mark.parametrize(
    ("written", "truth"),
    [("false", False), ("true", True), ("True", True), (False, False), (True, True), (None, False)],
)
def test_false_as_text_is_false(written: Any, truth: bool) -> None:
    """Defect of the ancestor: Cinder writes bootable as text, and "false" became true."""
    model = built(replace(VOLUME, bootable=written, multiattach=written))
    assert model.volumes.bootable.tolist() == [truth]
    assert model.volumes.multiattach.tolist() == [truth]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size_gb": None}, "size"),
        ({"size_gb": -1}, "size"),
        ({"size_gb": "10"}, "size"),
        ({"bootable": "perhaps"}, "bootable"),
        ({"multiattach": "1"}, "multiattach"),
        ({"encrypted": 3}, "encrypted"),
    ],
)
def test_a_senseless_volume_is_quarantined_and_its_pool_knows_that_it_is_there(
    changes: dict[str, Any], field: str
) -> None:
    bad = replace(VOLUME, id="bad", **changes)
    model, quarantined = StorageModel.build([NODE], [POOL], [bad, VOLUME])
    assert model.volumes.id == ("v",)
    assert [(q.id, q.because.facts["field"]) for q in quarantined] == [("bad", field)]
    assert model.pools.unseen.tolist() == [1]


def test_what_occurs_twice_is_quarantined() -> None:
    model, quarantined = StorageModel.build(
        [NODE, replace(NODE, host="twice@x"), replace(NODE, host="twice@x", zone="y")],
        [POOL, replace(POOL, name="h@ssd#twice"), replace(POOL, name="h@ssd#twice")],
        [VOLUME, replace(VOLUME, size_gb=20)],
    )
    assert model.nodes.host == ("h@ssd",)
    assert model.pools.name == ("h@ssd#p",)
    assert model.volumes.size_gb.tolist() == [10]
    assert [(q.kind, q.id) for q in quarantined] == [
        ("storage node", "twice@x"),
        ("pool", "h@ssd#twice"),
        ("pool", "h@ssd#twice"),
        ("volume", "v"),
    ]


def test_volumes_in_pools_that_nobody_reports_are_kept_unplaced_with_one_complaint() -> None:
    """A backend that is down or disabled reports no pools, but its volumes still exist."""
    strays = [replace(VOLUME, id=f"s{n}", pool="gone@x#y") for n in range(3)]
    model, quarantined = StorageModel.build([NODE], [POOL], [*strays, VOLUME])
    assert model.unplaced.id == ("s0", "s1", "s2")
    assert model.unplaced.pool_name[0] == "gone@x#y"
    assert [str(q.because) for q in quarantined] == ["3 volume(s): gone@x#y was not collected"]


def test_a_volume_without_a_pool_is_unplaced_and_nothing_is_wrong() -> None:
    """Defect of the ancestor: a volume that is still being created has no host."""
    model = built(replace(VOLUME, pool=None, status="creating"))
    assert model.unplaced.id == ("v",)
    assert model.unplaced.pool.tolist() == [-1]


def test_a_pool_of_an_unknown_backend_is_quarantined() -> None:
    model, quarantined = StorageModel.build([NODE], [replace(POOL, name="x@y#p")])
    assert len(model.pools) == 0
    assert quarantined[0].because.reason == UNKNOWN_HOST


def test_the_pools_of_a_cluster_are_on_its_first_service_that_works() -> None:
    nodes = [
        StorageNodeRow("a@ssd", state="down", cluster="c@ssd"),
        StorageNodeRow("b@ssd", cluster="c@ssd"),
        StorageNodeRow("c1@ssd", cluster="c@ssd"),
    ]
    model, quarantined = StorageModel.build(nodes, [replace(POOL, name="c@ssd#p")])
    assert quarantined == ()
    assert model.nodes.host[int(model.pools.node[0])] == "b@ssd"


def test_thick_pools_may_promise_what_is_free_without_the_reserve() -> None:
    assert virtual_free(reserved_percent=15) == 400 - 150
    assert virtual_free(reserved_percent=50) == 0


def test_thin_pools_may_promise_more_than_they_have() -> None:
    thin = {"thin": True, "oversubscription": "3.0"}
    assert virtual_free(**thin) == 1000 * 3 - 600
    assert virtual_free(**thin, reserved_percent=10) == 1000 * 3 - 600 - 100
    assert virtual_free(**thin, provisioned_gb=None, allocated_gb=100) == 1000 * 3 - 100


def test_an_automatic_ratio_follows_what_is_used() -> None:
    thin = {"thin": True, "oversubscription": "auto"}
    assert virtual_free(**thin) == pytest.approx(1000 * (1 + 600 / 601) - 600)
    assert virtual_free(**thin, provisioned_gb=0) == 20000


@pytest.mark.parametrize(
    "changes",
    [
        {"total_gb": "unknown"},
        {"free_gb": None},
        {"thin": True},
        {"thin": True, "oversubscription": "auto", "total_gb": None},
    ],
)
def test_what_may_be_promised_is_unknown_when_a_figure_is(changes: dict[str, Any]) -> None:
    assert math.isnan(virtual_free(**changes))


def test_what_has_no_limit_may_promise_without_limit() -> None:
    assert virtual_free(free_gb="infinite", total_gb="unknown") == math.inf
    assert virtual_free(virtual_free_gb=7) == 7


def test_types_belong_to_the_backends_whose_name_they_ask_for() -> None:
    nodes = [NODE, StorageNodeRow("h@hdd"), StorageNodeRow("h@x")]
    pools = [POOL, replace(POOL, name="h@x#p", backend_name="gold")]
    types = [
        VolumeTypeRow("1", "fast", "ssd"),
        VolumeTypeRow("2", "faster", "ssd"),
        VolumeTypeRow("3", "dear", "gold"),
        VolumeTypeRow("4", "any", None),
    ]
    model, _ = StorageModel.build(nodes, pools, (), types)
    served = {host: model.nodes.volume_types[n] for n, host in enumerate(model.nodes.host)}
    assert served == {"h@ssd": ("fast", "faster"), "h@hdd": (), "h@x": ("dear",)}


def test_sums_shares_and_holders_are_derived() -> None:
    other = replace(POOL, name="h@ssd#q", total_gb="infinite")
    held = replace(VOLUME, id="w", size_gb=5, attachments=(Attachment("s1", "a1"),))
    model = built(VOLUME, held, replace(held, id="x", pool="h@ssd#q"), pools=(POOL, other))
    assert model.size_per_pool.tolist() == [15.0, 5.0]
    assert model.volumes_per_pool.tolist() == [2, 1]
    assert model.free_share[0] == 0.4
    assert math.isnan(model.free_share[1])
    assert [model.volumes.id[v] for v in model.volumes_of_server["s1"]] == ["w", "x"]


def test_order_of_listing_does_not_matter() -> None:
    volumes = [replace(VOLUME, id=f"v{n}", metadata={"b": "1", "a": str(n % 2)}) for n in range(5)]
    pools = [replace(POOL, name=f"h@ssd#{n}") for n in "pqr"]
    forward, _ = StorageModel.build([NODE], pools, volumes)
    backward, _ = StorageModel.build([NODE], pools[::-1], volumes[::-1])
    assert forward.to_columns() == backward.to_columns()


def test_columns_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        built(VOLUME).pools.free_gb[0] = 1.0


CAPACITY = st.one_of(
    st.none(),
    st.sampled_from(["infinite", "unknown", "17", "1e3"]),
    st.floats(0, 1e9),
    st.integers(0, 10**9),
)
POOLS = st.builds(
    PoolRow,
    name=st.integers(0, 9).map(lambda n: f"h@ssd#{n}"),
    total_volumes=st.none() | st.integers(0, 100),
    total_gb=CAPACITY,
    free_gb=CAPACITY,
    provisioned_gb=CAPACITY,
    allocated_gb=CAPACITY,
    reserved_percent=st.integers(0, 100) | st.none(),
    thin=st.sampled_from([True, False, "true", "false", None]),
    thick=st.booleans(),
    oversubscription=CAPACITY | st.just("auto"),
)
VOLUMES = st.builds(
    VolumeRow,
    id=st.integers(0, 99).map(str),
    name=st.text(max_size=5),
    pool=st.none() | st.integers(0, 9).map(lambda n: f"h@ssd#{n}"),
    size_gb=st.none() | st.integers(-1, 100),
    bootable=st.sampled_from([True, False, "true", "false", None, "x"]),
    attachments=st.lists(st.builds(Attachment, st.text(max_size=3)), max_size=2).map(tuple),
    metadata=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)


@given(st.lists(POOLS, max_size=8), st.lists(VOLUMES, max_size=8))
def test_any_model_survives_its_json_form(pools: list[PoolRow], volumes: list[VolumeRow]) -> None:
    """Infinity and the unknown included, which JSON itself cannot write."""
    model, quarantined = StorageModel.build([NODE], pools, volumes)
    form = model.to_columns()
    text = json.dumps(form, allow_nan=False)
    assert StorageModel.from_columns(json.loads(text)).to_columns() == form
    accounted = len(model.volumes) + len(model.unplaced)
    assert accounted + sum(q.kind == "volume" for q in quarantined) == len(volumes)
