"""The storage model: backends, their pools, and the volumes in them, as immutable columns.

Index order is the order of names and ids, so the model does not depend on the order in which the
cloud lists them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from domain.cluster.compute.records import QuarantinedRecord, unseen
from domain.cluster.storage.columns import PoolColumns, StorageNodeColumns, VolumeColumns
from domain.cluster.storage.records import PoolRow, StorageNodeRow, VolumeRow, VolumeTypeRow
from domain.cluster.storage.validation import (
    admit_nodes,
    admit_pools,
    admit_volumes,
    node_places,
    types_by_host,
)
from domain.cluster.table.columns import (
    BoolArray,
    FloatArray,
    IntArray,
    frozen,
    indices_of,
    mapping,
    sequence,
)


@dataclass(frozen=True, eq=False)
class StorageModel:
    """Block storage of a cloud (or of the part in scope).

    Attributes:
        nodes: columns of the backends.
        pools: columns of the pools; each is on a backend.
        volumes: columns of the volumes that are in a pool.
        unplaced: columns of the others (their ``pool`` is -1).
        types: volume types, in order of name.
    """

    nodes: StorageNodeColumns
    pools: PoolColumns
    volumes: VolumeColumns
    unplaced: VolumeColumns
    types: tuple[VolumeTypeRow, ...] = ()

    @staticmethod
    def build(
        nodes: Iterable[StorageNodeRow],
        pools: Iterable[PoolRow] = (),
        volumes: Iterable[VolumeRow] = (),
        types: Iterable[VolumeTypeRow] = (),
        aside: Iterable[QuarantinedRecord] = (),
    ) -> "tuple[StorageModel, tuple[QuarantinedRecord, ...]]":
        """Returns the model of the usable records, and the quarantined records.

        ``aside``: records that were quarantined before, because no row could be made of them.
        """
        kinds = tuple(sorted(types, key=lambda kind: (kind.name, kind.id)))
        good_nodes, bad_nodes = admit_nodes(nodes)
        backends = node_places(good_nodes)
        good_pools, bad_pools = admit_pools(pools, backends)
        places = {pool.name: place for place, pool in enumerate(good_pools)}
        placed, unplaced, bad_volumes = admit_volumes(volumes, places)
        quarantined = (*aside, *bad_nodes, *bad_pools, *bad_volumes)
        volume_types = types_by_host(good_nodes, good_pools, backends, kinds)
        model = StorageModel(
            nodes=StorageNodeColumns.of(good_nodes, volume_types),
            pools=PoolColumns.of(good_pools, backends, unseen(quarantined, "volume")),
            volumes=VolumeColumns.of(placed, places),
            unplaced=VolumeColumns.of(unplaced),
            types=kinds,
        )
        return model, quarantined

    def to_columns(self) -> dict[str, object]:
        """The JSON form, canonical: equal models give equal forms. ``from_columns`` reverses it."""
        return {
            "nodes": self.nodes.to_columns(),
            "pools": self.pools.to_columns(),
            "volumes": self.volumes.to_columns(),
            "unplaced": self.unplaced.to_columns(),
            "types": [_canonical(kind) for kind in self.types],
        }

    @staticmethod
    def from_columns(data: Mapping[str, object]) -> "StorageModel":
        """Reads a model from its JSON form."""
        return StorageModel(
            nodes=StorageNodeColumns.from_columns(mapping(data["nodes"])),
            pools=PoolColumns.from_columns(mapping(data["pools"])),
            volumes=VolumeColumns.from_columns(mapping(data["volumes"])),
            unplaced=VolumeColumns.from_columns(mapping(data["unplaced"])),
            types=tuple(VolumeTypeRow(**_fields(kind)) for kind in sequence(data["types"])),
        )

    def restrict(
        self,
        node_mask: BoolArray,
        pool_mask: BoolArray,
        volume_mask: BoolArray,
        unplaced_mask: BoolArray | None = None,
    ) -> "StorageModel":
        """Returns the part of the model in a scope.

        Args:
            node_mask: bool[nodes], the backends to keep.
            pool_mask: bool[pools], the pools to keep, if their backend is kept.
            volume_mask: bool[volumes], the volumes to keep, if their pool is kept.
            unplaced_mask: bool[unplaced], the unplaced volumes to keep; None: all.
        """
        nodes = np.flatnonzero(node_mask)
        pools = np.flatnonzero(pool_mask & node_mask[self.pools.node])
        kept = np.zeros(len(self.pools), dtype=np.bool_)
        kept[pools] = True
        volumes = np.flatnonzero(volume_mask & kept[self.volumes.pool])
        unplaced = self.unplaced
        if unplaced_mask is not None:
            unplaced = unplaced.take(np.flatnonzero(unplaced_mask))
        new_pools, new_volumes = self.pools.take(pools), self.volumes.take(volumes)
        return replace(
            self,
            nodes=self.nodes.take(nodes),
            pools=replace(new_pools, node=_renumbered(new_pools.node, nodes, len(self.nodes))),
            volumes=replace(
                new_volumes, pool=_renumbered(new_volumes.pool, pools, len(self.pools))
            ),
            unplaced=unplaced,
        )

    @cached_property
    def node_places(self) -> Mapping[str, int]:
        """Backend ``host@backend`` → index."""
        return indices_of(self.nodes.host)

    @cached_property
    def pool_places(self) -> Mapping[str, int]:
        """Pool name → index."""
        return indices_of(self.pools.name)

    @cached_property
    def volume_places(self) -> Mapping[str, int]:
        """Volume id → index."""
        return indices_of(self.volumes.id)

    @cached_property
    def up(self) -> BoolArray:
        """bool[nodes]: the volume service is running."""
        return self.nodes.state.where(lambda state: state == "up")

    @cached_property
    def enabled(self) -> BoolArray:
        """bool[nodes]: the volume service is enabled."""
        return self.nodes.status.where(lambda status: status == "enabled")

    @cached_property
    def volumes_per_pool(self) -> IntArray:
        """int64[pools]: volumes in the model; ``pools.unseen`` counts the quarantined ones."""
        counts = np.bincount(self.volumes.pool, minlength=len(self.pools))
        return frozen(counts.astype(np.int64))

    @cached_property
    def size_per_pool(self) -> FloatArray:
        """float64[pools]: sizes of the volumes in each pool, GB."""
        sizes = self.volumes.size_gb.astype(np.float64)
        sums = np.bincount(self.volumes.pool, weights=sizes, minlength=len(self.pools))
        return frozen(sums.astype(np.float64))

    @cached_property
    def free_share(self) -> FloatArray:
        """float64[pools]: free / total; not-a-number if one is unknown or has no limit."""
        total, free = self.pools.total_gb, self.pools.free_gb
        known = np.isfinite(total) & np.isfinite(free) & (total > 0)
        return frozen(np.divide(free, total, out=np.full(len(total), np.nan), where=known))

    @cached_property
    def volumes_of_server(self) -> Mapping[str, tuple[int, ...]]:
        """Server id → indices of the volumes attached to it."""
        held: dict[str, list[int]] = {}
        for place, servers in enumerate(self.volumes.servers):
            for server in servers:
                held.setdefault(server, []).append(place)
        return {server: tuple(places) for server, places in held.items()}


def _renumbered(
    old: np.ndarray[tuple[int], np.dtype[np.int32]], kept: IntArray, count: int
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    place = np.full(count + 1, -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    return frozen(place[old])


def _canonical(kind: VolumeTypeRow) -> dict[str, object]:
    specs = {key: kind.extra_specs[key] for key in sorted(kind.extra_specs)}
    return {**asdict(kind), "extra_specs": specs}


def _fields(data: object) -> dict[str, Any]:
    return dict(mapping(data))
