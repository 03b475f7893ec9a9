"""Applies facts about pools and volumes to a storage model, and decides which are admitted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from domain.cluster.compute.reasons import UNKNOWN_HOST
from domain.cluster.storage.columns import VolumeColumns
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import Attachment, VolumeRow
from domain.cluster.table.edits import edited, replace_rows
from domain.cluster.table.values import amount
from domain.cluster_models.amendments.admission_rules import (
    Admission,
    AdmissionRules,
    Ignored,
    admit,
    after_deletion,
    row_change,
)
from domain.cluster_models.amendments.amended_model import (
    AmendedModel,
    SplitTable,
    by_id,
    row_values,
)
from domain.cluster_models.amendments.facts import (
    PoolFact,
    StorageFact,
    StorageFacts,
    VolumeFact,
)
from domain.cluster_models.reasons import TYPE_UNKNOWN
from domain.kernel.reasons import Cause

FIGURES = ("total_gb", "free_gb", "provisioned_gb", "allocated_gb", "virtual_free_gb")
"""Columns of a pool that notifications report."""
_FIELDS = frozenset(field.name for field in fields(VolumeRow)) - {"attachments", "volume_type"}
_COLUMNS = frozenset(field.name for field in fields(VolumeRow)) - {"attachments", "pool"}


class StorageAmendments(AmendedModel[StorageModel, StorageFacts]):
    """A storage model, and facts that were admitted since its collection."""

    def volume(self, identity: str) -> VolumeRow | None:
        """A volume with its facts applied; None if there is none."""
        row = self.collected(identity)
        fact = self.volumes.get(identity)
        if fact is None:
            return row
        return None if fact.gone else self._applied(row or VolumeRow(identity), fact)

    def collected(self, identity: str) -> VolumeRow | None:
        """A volume as the collection has it; None if it has none."""
        found = self._rows.find(identity)
        if found is None:
            return None
        table, row = found
        return VolumeRow(
            **row_values(table, row, _COLUMNS),
            pool=table.pool_name[row],
            attachments=tuple(
                Attachment(*pair)
                for pair in zip(table.servers[row], table.attachments[row], strict=True)
            ),
        )

    def is_shown(self, identity: str) -> bool:
        """Whether the collection has a volume."""
        return self._rows.find(identity) is not None

    def pool(self, name: str) -> dict[str, float]:
        """The current figures of a pool."""
        place = self.base.pool_places[name]
        fact = self.pools.get(name)
        reported = {} if fact is None else fact.figures
        columns = dict(self.base.pools.columns())
        return {
            figure: float(
                columns[figure][place] if reported.get(figure) is None else amount(reported[figure])
            )
            for figure in FIGURES
        }

    def model(self) -> tuple[StorageModel, tuple[Cause, ...]]:
        """The model with all facts applied, and which facts could not be applied."""
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
            volumes=replace_rows(
                base.volumes,
                base.volumes.id,
                touched,
                VolumeColumns.of(placed, base.pool_places),
            ),
            unplaced=replace_rows(
                base.unplaced, base.unplaced.id, touched, VolumeColumns.of(loose)
            ),
        )
        unknown_pools = sorted({row.pool for row in loose if row.pool is not None})
        return model, tuple(
            Cause(UNKNOWN_HOST, {"resource": "volume", "host": pool}) for pool in unknown_pools
        )

    def _applied(self, row: VolumeRow, fact: VolumeFact) -> VolumeRow:
        values: dict[str, Any] = {
            name: value for name, value in fact.attributes.items() if name in _FIELDS
        }
        if "attachments" in fact.attributes:
            values["attachments"] = _attachments(fact.attributes["attachments"])
        type_name = self.types.get(fact.type_id or "", row.volume_type)
        return replace(row, **values, volume_type=type_name)

    @cached_property
    def volumes(self) -> Mapping[str, VolumeFact]:
        """Facts by volume id."""
        return by_id(self.facts.volumes)

    @cached_property
    def pools(self) -> Mapping[str, PoolFact]:
        """Facts by pool name."""
        return by_id(self.facts.pools)

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Names of volume types by id."""
        return {kind.id: kind.name for kind in self.base.types}

    @cached_property
    def _rows(self) -> SplitTable[VolumeColumns]:
        base = self.base
        return SplitTable(base.volumes, base.volume_places, base.unplaced)


def admit_storage(
    known: StorageAmendments, new: StorageFacts, since: float
) -> Admission[StorageFacts, StorageAmendments]:
    """Judges facts about pools and volumes (see ``admit``).

    ``since``: seconds since the epoch; the collection has seen what was sent earlier.
    """
    return admit(known, new, StorageRules(since, known).judge, _changes, _unclear)


@dataclass(frozen=True)
class StorageRules(AdmissionRules):
    """Judges facts about pools and volumes. Returns why a fact is ignored; None: it is admitted."""

    known: StorageAmendments

    def judge(self, fact: StorageFact) -> Ignored | None:
        """The rule for the fact's type."""
        return self.pool(fact) if isinstance(fact, PoolFact) else self.volume(fact)

    def pool(self, fact: PoolFact) -> Ignored | None:
        """A pool."""
        if fact.id not in self.known.base.pool_places:
            return Ignored.UNKNOWN_HOST
        return self.state(self.known.pools.get(fact.id), fact)

    def volume(self, fact: VolumeFact) -> Ignored | None:
        """A volume."""
        before = self.known.volumes.get(fact.id)
        if before is not None and before.gone:
            return after_deletion(fact)
        if fact.gone:
            return self.deletion(fact, is_shown=self.known.is_shown(fact.id))
        return self.state(before, fact)


def _changes(
    before: StorageAmendments, after: StorageAmendments, admitted: StorageFacts
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for volume in {fact.id for fact in admitted.volumes}:
        counts[row_change("volumes", "pool", before.volume(volume), after.volume(volume))] += 1
    for pool in {fact.id for fact in admitted.pools}:
        # as text, because NaN (unknown) is not equal to itself
        counts["pools_changed" if str(before.pool(pool)) != str(after.pool(pool)) else ""] += 1
    return counts


def _unclear(
    _before: StorageAmendments, after: StorageAmendments, new: StorageFacts
) -> list[Cause]:
    """What only a collection can answer."""
    found = [
        Cause(UNKNOWN_HOST, {"resource": "pool", "host": fact.id})
        for fact in new.pools
        if fact.id not in after.base.pool_places
    ]
    for volume in new.volumes:
        row = after.volume(volume.id)
        if row is None:
            continue
        if row.pool is not None and row.pool not in after.base.pool_places:
            found.append(Cause(UNKNOWN_HOST, {"resource": row.id, "host": row.pool}))
        if volume.type_id and volume.type_id not in after.types:
            found.append(Cause(TYPE_UNKNOWN, {"volume": row.id, "type": volume.type_id}))
    return found


def _attachments(pairs: object) -> tuple[Attachment, ...]:
    listed = pairs if isinstance(pairs, list | tuple) else ()
    return tuple(Attachment(str(server), str(attachment)) for server, attachment in listed)
