"""How two models of one cloud differ, in counts: array arithmetic, whatever their size.

``<things>_added`` and ``_removed`` go by identity, wherever a thing is; ``_moved`` is at another
place than before, or at one instead of none; ``_changed`` is at the same place, and any other
attribute is another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.cluster.baremetal.model import BaremetalColumns, BaremetalModel
from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster_models.events import Counts
from domain.cluster_models.pairs import CommonRows


def compute_changes(before: ComputeModel | None, after: ComputeModel) -> Counts:
    """Of ``hosts`` and ``servers``. Before the first model there was nothing."""
    old = before or ComputeModel.build((), (), (), ())[0]
    return {
        **_places("hosts", CommonRows(old.hosts, after.hosts, old.hosts.id, after.hosts.id)),
        **_things(
            "servers",
            _Housed(old.servers, old.unplaced, old.hosts.id),
            _Housed(after.servers, after.unplaced, after.hosts.id),
            "host",
        ),
    }


def storage_changes(before: StorageModel | None, after: StorageModel) -> Counts:
    """Of ``backends``, ``pools`` and ``volumes``. Before the first model there was nothing."""
    old = before or StorageModel.build(())[0]
    backends = CommonRows(old.nodes, after.nodes, old.nodes.host, after.nodes.host)
    pools = CommonRows(old.pools, after.pools, old.pools.name, after.pools.name)
    return {
        **_places("backends", backends),
        **_places("pools", pools, frozenset({"node"})),
        **_things(
            "volumes",
            _Housed(old.volumes, old.unplaced, old.pools.name),
            _Housed(after.volumes, after.unplaced, after.pools.name),
            "pool",
            frozenset({"pool_name"}),
        ),
    }


def baremetal_changes(before: BaremetalModel | None, after: BaremetalModel) -> Counts:
    """Of ``machines``. Before the first model there was nothing."""
    old = BaremetalColumns.empty() if before is None else before.nodes
    return _places("machines", CommonRows(old, after.nodes, old.id, after.nodes.id))


@dataclass(frozen=True)
class _Housed:
    """Things of one kind: those that are at a place, those that are at none, and the places."""

    placed: ServerColumns | VolumeColumns
    unplaced: ServerColumns | VolumeColumns
    places: Sequence[str]

    @property
    def ids(self) -> set[str]:
        return {*self.placed.id, *self.unplaced.id}


def _places(noun: str, pairs: CommonRows, ignored: frozenset[str] = frozenset()) -> Counts:
    return {
        f"{noun}_added": pairs.new_count - len(pairs.new),
        f"{noun}_removed": pairs.old_count - len(pairs.old),
        f"{noun}_changed": int(pairs.differ(pairs.columns - ignored).sum()),
    }


def _things(
    noun: str, old: _Housed, new: _Housed, at: str, ignored: frozenset[str] = frozenset()
) -> Counts:
    placed = CommonRows(old.placed, new.placed, old.placed.id, new.placed.id)
    loose = CommonRows(old.unplaced, new.unplaced, old.unplaced.id, new.unplaced.id)
    moved = placed.elsewhere(at, old.places, new.places)
    attributes = placed.columns - {at, "updated_at"}  # that it was written is no change of it
    before, after = old.ids, new.ids
    rehoused = len(before & after) - len(placed.old) - len(loose.old)
    return {
        f"{noun}_added": len(after - before),
        f"{noun}_removed": len(before - after),
        f"{noun}_moved": int(moved.sum()) + rehoused,
        f"{noun}_changed": int((placed.differ(attributes - ignored) & ~moved).sum())
        + int(loose.differ(attributes).sum()),
    }
