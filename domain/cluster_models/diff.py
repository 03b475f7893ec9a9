"""Counts of the differences between two models of one cloud, computed by array arithmetic.

``<noun>_added`` and ``_removed`` compare ids, wherever the row is; ``_moved`` counts rows whose
place (host, pool) differs, or that have a place now and had none, or the reverse; ``_changed``
counts rows at the same place with any other attribute changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.cluster.baremetal.model import BaremetalColumns, BaremetalModel
from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster_models.common_rows import CommonRows
from domain.cluster_models.events import Counts


def compute_changes(before: ComputeModel | None, after: ComputeModel) -> Counts:
    """Counts of ``hosts`` and ``servers``; None is an empty model."""
    old = before or ComputeModel.build((), (), (), ())[0]
    return {
        **_row_counts("hosts", CommonRows(old.hosts, after.hosts, old.hosts.id, after.hosts.id)),
        **_placed_row_counts(
            "servers",
            _PlacedRows(old.servers, old.unplaced, old.hosts.id),
            _PlacedRows(after.servers, after.unplaced, after.hosts.id),
            "host",
        ),
    }


def storage_changes(before: StorageModel | None, after: StorageModel) -> Counts:
    """Counts of ``backends``, ``pools`` and ``volumes``; None is an empty model."""
    old = before or StorageModel.build(())[0]
    backends = CommonRows(old.nodes, after.nodes, old.nodes.host, after.nodes.host)
    pools = CommonRows(old.pools, after.pools, old.pools.name, after.pools.name)
    return {
        **_row_counts("backends", backends),
        **_row_counts("pools", pools, frozenset({"node"})),
        **_placed_row_counts(
            "volumes",
            _PlacedRows(old.volumes, old.unplaced, old.pools.name),
            _PlacedRows(after.volumes, after.unplaced, after.pools.name),
            "pool",
            frozenset({"pool_name"}),
        ),
    }


def baremetal_changes(before: BaremetalModel | None, after: BaremetalModel) -> Counts:
    """Counts of ``machines``; None is an empty model."""
    old = BaremetalColumns.empty() if before is None else before.nodes
    return _row_counts("machines", CommonRows(old, after.nodes, old.id, after.nodes.id))


@dataclass(frozen=True)
class _PlacedRows:
    """Rows with a place, rows without one, and the ids of the places."""

    placed: ServerColumns | VolumeColumns
    unplaced: ServerColumns | VolumeColumns
    places: Sequence[str]

    @property
    def ids(self) -> set[str]:
        return {*self.placed.id, *self.unplaced.id}


def _row_counts(noun: str, pairs: CommonRows, ignored: frozenset[str] = frozenset()) -> Counts:
    return {
        f"{noun}_added": pairs.new_count - len(pairs.new),
        f"{noun}_removed": pairs.old_count - len(pairs.old),
        f"{noun}_changed": int(pairs.differ(pairs.columns - ignored).sum()),
    }


def _placed_row_counts(
    noun: str, old: _PlacedRows, new: _PlacedRows, at: str, ignored: frozenset[str] = frozenset()
) -> Counts:
    placed = CommonRows(old.placed, new.placed, old.placed.id, new.placed.id)
    unplaced = CommonRows(old.unplaced, new.unplaced, old.unplaced.id, new.unplaced.id)
    moved = placed.moved(at, old.places, new.places)
    attributes = placed.columns - {at, "updated_at"}  # a new version is not a change
    before, after = old.ids, new.ids
    placed_or_unplaced = len(before & after) - len(placed.old) - len(unplaced.old)
    return {
        f"{noun}_added": len(after - before),
        f"{noun}_removed": len(before - after),
        f"{noun}_moved": int(moved.sum()) + placed_or_unplaced,
        f"{noun}_changed": int((placed.differ(attributes - ignored) & ~moved).sum())
        + int(unplaced.differ(attributes).sum()),
    }
