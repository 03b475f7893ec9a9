"""Facts about pools and volumes over a collected storage model."""

import math
from typing import Any

from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.cluster_models.amendments import (
    Ignored,
    PoolFact,
    Stamp,
    StorageAmendments,
    StorageFact,
    StorageFacts,
    VolumeFact,
    admit_storage,
    carry_over,
)
from domain.cluster_models.reasons import TYPE_UNKNOWN

BEGAN = 1000.0
FAST, SLOW = "s1@ssd#fast", "s2@hdd#slow"


def base() -> StorageModel:
    nodes = [StorageNodeRow("s1@ssd"), StorageNodeRow("s2@hdd")]
    pools = [PoolRow(FAST, total_gb=100, free_gb=80), PoolRow(SLOW, total_gb="infinite")]
    types = [VolumeTypeRow("t1", "ssd"), VolumeTypeRow("t2", "hdd")]
    volumes = [
        VolumeRow("v", "v", FAST, 10, "available", "ssd", bootable=True, snapshots=2),
        VolumeRow("w", "w", None, 5, "error", "ssd"),
    ]
    return StorageModel.build(nodes, pools, volumes, types)[0]


def stamp(at: float) -> Stamp:
    return Stamp(0, at, f"m{at}")


def seen(at: float, name: str = "v", kind: str | None = "t1", **changes: Any) -> VolumeFact:
    fields = {"name": name, "pool": FAST, "size_gb": 10, "status": "available"}
    return VolumeFact(name, stamp(at), type_id=kind, attributes={**fields, **changes})


class Model:
    """A storage model that is told things."""

    def __init__(self) -> None:
        self.known = StorageAmendments(base(), StorageFacts())
        self.ignored: list[Ignored] = []
        self.unclear: list[str] = []
        self.changes: dict[str, int] = {}

    def told(self, *facts: StorageFact) -> "Model":
        admission = admit_storage(self.known, StorageFacts.of(facts), BEGAN)
        self.known = admission.amended
        self.ignored = list(admission.ignored.elements())
        self.unclear = [because.reason for because in admission.unclear]
        self.changes = admission.changes
        return self

    def volume(self, name: str = "v") -> VolumeRow | None:
        return StorageAmendments(self.known.model()[0], StorageFacts()).collected(name)


def test_a_volume_moves_grows_and_is_attached() -> None:
    model = Model().told(seen(1001, pool=SLOW, kind="t2", size_gb=20, attachments=[["s", "a"]]))
    row = model.volume()
    assert row is not None
    assert (row.pool, row.size_gb, row.volume_type) == (SLOW, 20, "hdd")
    assert row.attachments == (Attachment("s", "a"),)
    assert (row.bootable, row.snapshots) == (True, 2)  # what is not told stays
    assert model.changes == {"volumes_moved": 1}


def test_a_volume_in_no_pool_is_in_none_and_gets_one() -> None:
    model = Model().told(seen(1001, "n", pool=None, status="creating"))
    row = model.volume("n")
    assert row is not None
    assert row.pool is None
    row = model.told(seen(1002, "n")).volume("n")
    assert row is not None
    assert row.pool == FAST
    assert len(model.known.model()[0].volumes) == 2


def test_a_deleted_volume_stays_deleted() -> None:
    model = Model().told(VolumeFact("v", stamp(1001), gone=True)).told(seen(1002))
    assert (model.volume(), model.ignored) == (None, [Ignored.GONE])
    carried = carry_over(model.known, base(), 1000.5, admit_storage)
    assert [fact.id for fact in carried.facts.volumes] == ["v"]
    assert carried.amended.volume("v") is None


def test_a_collection_that_shows_what_was_deleted_long_before_is_believed() -> None:
    model = Model().told(VolumeFact("v", stamp(1001), gone=True))
    carried = carry_over(model.known, base(), 1100, admit_storage)
    assert not carried.facts
    assert carried.amended.volume("v") is not None


def test_older_and_doubled_and_collected_facts_change_nothing() -> None:
    model = Model().told(seen(1002, name="v", status="in-use"))
    assert model.told(seen(1001)).ignored == [Ignored.OLDER]
    assert model.told(seen(1002)).ignored == [Ignored.DUPLICATE]
    assert model.told(seen(999)).ignored == [Ignored.COLLECTED]


def test_a_type_and_a_pool_that_were_not_collected_are_asked_for() -> None:
    model = Model().told(seen(1001, kind="t9", pool="s9@new#pool"))
    row = model.volume()
    assert row is not None
    assert (row.volume_type, row.pool) == ("ssd", "s9@new#pool")  # the old name; not placed
    assert model.unclear == [UNKNOWN_HOST, TYPE_UNKNOWN]
    assert len(model.known.model()[0].volumes) == 0


def test_a_pool_s_figures_follow_what_it_tells() -> None:
    figures: dict[str, float | str | None] = {
        "total_gb": 200,
        "free_gb": "unknown",
        "virtual_free_gb": 50.5,
    }
    model = Model().told(PoolFact(FAST, stamp(1001), figures))
    pools = model.known.model()[0].pools
    assert (pools.total_gb[0], pools.virtual_free_gb[0]) == (200, 50.5)
    assert math.isnan(pools.free_gb[0])
    assert math.isinf(pools.total_gb[1])
    assert model.changes == {"pools_changed": 1}
    assert model.told(PoolFact("s9@new#pool", stamp(1002), {})).unclear == [UNKNOWN_HOST]
