"""Facts about pools and volumes, judged and applied to a storage model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

from domain.cluster.compute.edits import edited, exchanged
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import Attachment, VolumeRow
from domain.cluster.table.values import amount
from domain.cluster_models.amendments.facts import PoolFact, StorageFacts, VolumeFact
from domain.cluster_models.amendments.verdicts import (
    Admission,
    DuplicateFilter,
    Ignored,
    after_deletion,
    deletion,
    in_order,
    named,
)
from domain.kernel.reasons import Cause, Reason

FIGURES = ("total_gb", "free_gb", "provisioned_gb", "allocated_gb", "virtual_free_gb")
"""What a notification tells of a pool."""
_FIELDS = frozenset(field.name for field in fields(VolumeRow)) - {"attachments", "volume_type"}
_COLUMNS = frozenset(field.name for field in fields(VolumeRow)) - {"attachments", "pool"}


class StorageAmendments:
    """A storage model, and facts that came after it.

    Args:
        base: what a complete collection showed.
        facts: those that were admitted.
    """

    def __init__(self, base: StorageModel, facts: StorageFacts) -> None:
        self.base = base
        self.facts = facts

    def volume(self, identity: str) -> VolumeRow | None:
        """A volume with what is told of it; None if there is none."""
        row = self.collected(identity)
        fact = self.volumes.get(identity)
        if fact is None:
            return row
        return None if fact.gone else self._told(row or VolumeRow(identity), fact)

    def collected(self, identity: str) -> VolumeRow | None:
        """A volume as the collection showed it, None if it did not."""
        at = self.base.volume_places.get(identity)
        if at is not None:
            return _row(self.base.volumes, at)
        at = self._loose.get(identity)
        return None if at is None else _row(self.base.unplaced, at)

    def pool(self, name: str) -> dict[str, float]:
        """The figures of a pool as they are now."""
        at = self.base.pool_places[name]
        fact = self.pools.get(name)
        told = {} if fact is None else fact.figures
        columns = dict(self.base.pools.columns())
        return {
            figure: float(columns[figure][at] if told.get(figure) is None else amount(told[figure]))
            for figure in FIGURES
        }

    def model(self) -> tuple[StorageModel, tuple[Cause, ...]]:
        """The model with everything that is told, and what of it could not be used."""
        base, touched = self.base, set(self.volumes)
        rows = [row for row in map(self.volume, sorted(touched)) if row is not None]
        placed = [row for row in rows if row.pool in base.pool_places]
        loose = [row for row in rows if row.pool not in base.pool_places]
        figures: dict[str, dict[int, object]] = {}
        for name in self.pools.keys() & base.pool_places.keys():
            for figure, value in self.pool(name).items():
                figures.setdefault(figure, {})[base.pool_places[name]] = value
        model = replace(
            base,
            pools=edited(base.pools, figures),
            volumes=exchanged(
                base.volumes,
                base.volumes.id,
                touched,
                VolumeColumns.of(placed, base.pool_places),
            ),
            unplaced=exchanged(base.unplaced, base.unplaced.id, touched, VolumeColumns.of(loose)),
        )
        strays = sorted({row.pool for row in loose if row.pool is not None})
        return model, tuple(
            Cause(Reason.UNKNOWN_HOST, {"resource": "volume", "host": pool}) for pool in strays
        )

    def _told(self, row: VolumeRow, fact: VolumeFact) -> VolumeRow:
        told: dict[str, Any] = {
            name: value for name, value in fact.attributes.items() if name in _FIELDS
        }
        if "attachments" in fact.attributes:
            told["attachments"] = _attachments(fact.attributes["attachments"])
        kind = self.types.get(fact.type_id or "")
        return replace(row, **told, volume_type=row.volume_type if kind is None else kind)

    @cached_property
    def volumes(self) -> Mapping[str, VolumeFact]:
        """Volume id → what is told of it."""
        return {fact.id: fact for fact in self.facts.volumes}

    @cached_property
    def pools(self) -> Mapping[str, PoolFact]:
        """Pool name → what is told of it."""
        return {fact.id: fact for fact in self.facts.pools}

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Id of a volume type → its name."""
        return {kind.id: kind.name for kind in self.base.types}

    @cached_property
    def _loose(self) -> Mapping[str, int]:
        return {volume: at for at, volume in enumerate(self.base.unplaced.id)}


def admit_storage(
    known: StorageAmendments, told: StorageFacts, since: float
) -> Admission[StorageFacts, StorageAmendments]:
    """Judges each fact against the collection and against what was admitted before.

    Args:
        known: the collected model, with the facts that were admitted so far.
        told: new facts, in any order.
        since: seconds since the epoch: what was told earlier, the collection has seen.
    """
    ledger = DuplicateFilter()
    admitted = StorageFacts(
        pools=tuple(fact for fact in told.pools if ledger.is_news(_pool(known, fact, since))),
        volumes=tuple(fact for fact in told.volumes if ledger.is_news(_volume(known, fact, since))),
    )
    after = StorageAmendments(known.base, known.facts.joined(admitted))
    changes = _changes(known, after, admitted)
    return Admission(admitted, after, ledger.ignored, changes, tuple(_unclear(after, told)))


def carried_storage(
    known: StorageAmendments, base: StorageModel, since: float
) -> Admission[StorageFacts, StorageAmendments]:
    """What was admitted so far and a new collection cannot have seen, to be laid over it.

    Args:
        known: the model until now.
        base: what the new collection showed.
        since: seconds since the epoch: what was told earlier, the new collection has seen.
    """
    fresh = StorageAmendments(base, StorageFacts())
    carried = admit_storage(fresh, known.facts, since)
    believed = tuple(  # a collection that shows what was deleted long before it is believed
        fact
        for fact in carried.facts.volumes
        if not (fact.gone and fact.stamp.at < since and fresh.collected(fact.id) is not None)
    )
    facts = replace(carried.facts, volumes=believed)
    return replace(carried, facts=facts, over=StorageAmendments(base, facts))


def _pool(known: StorageAmendments, fact: PoolFact, since: float) -> Ignored | None:
    if fact.id not in known.base.pool_places:
        return Ignored.UNKNOWN_HOST
    if fact.stamp.at < since:
        return Ignored.COLLECTED
    return in_order(known.pools.get(fact.id), fact)


def _volume(known: StorageAmendments, fact: VolumeFact, since: float) -> Ignored | None:
    before = known.volumes.get(fact.id)
    if before is not None and before.gone:
        return after_deletion(fact)
    if fact.gone:
        return deletion(fact, since, shown=known.collected(fact.id) is not None)
    return Ignored.COLLECTED if fact.stamp.at < since else in_order(before, fact)


def _changes(
    before: StorageAmendments, after: StorageAmendments, told: StorageFacts
) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for volume in {fact.id for fact in told.volumes}:
        counts[_difference(before.volume(volume), after.volume(volume))] += 1
    for pool in {fact.id for fact in told.pools}:
        counts["pools_changed" if str(before.pool(pool)) != str(after.pool(pool)) else ""] += 1
    return named(counts)


def _difference(before: VolumeRow | None, after: VolumeRow | None) -> str:
    if before is None or after is None:
        if before is after:
            return ""
        return "volumes_added" if before is None else "volumes_removed"
    if before.pool != after.pool:
        return "volumes_moved"
    return "" if before == after else "volumes_changed"


def _unclear(after: StorageAmendments, told: StorageFacts) -> list[Cause]:
    """What only a collection can tell."""
    found = [
        Cause(Reason.UNKNOWN_HOST, {"resource": "pool", "host": fact.id})
        for fact in told.pools
        if fact.id not in after.base.pool_places
    ]
    for volume in told.volumes:
        row = after.volume(volume.id)
        if row is None:
            continue
        if row.pool is not None and row.pool not in after.base.pool_places:
            found.append(Cause(Reason.UNKNOWN_HOST, {"resource": row.id, "host": row.pool}))
        if volume.type_id and volume.type_id not in after.types:
            found.append(Cause(Reason.TYPE_UNKNOWN, {"volume": row.id, "type": volume.type_id}))
    return found


def _attachments(pairs: object) -> tuple[Attachment, ...]:
    listed = pairs if isinstance(pairs, list | tuple) else ()
    return tuple(Attachment(str(server), str(attachment)) for server, attachment in listed)


def _row(table: VolumeColumns, at: int) -> VolumeRow:
    values: dict[str, Any] = {}
    for name, column in table.columns():
        if name in _COLUMNS:
            value = column[at]
            values[name] = value.item() if hasattr(value, "item") else value
    held = zip(table.servers[at], table.attachments[at], strict=True)
    return VolumeRow(
        **values,
        pool=table.pool_name[at],
        attachments=tuple(Attachment(server, attachment) for server, attachment in held),
    )


__all__ = ["FIGURES", "StorageAmendments", "admit_storage", "carried_storage"]
