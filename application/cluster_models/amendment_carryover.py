"""What notifications told and a new collection cannot have seen is carried over to it.

Taking in the collection, ending the amendments of the one before and beginning those of the new one
is one transaction: no moment shows the collection without what came while it read, and a listener
that appends at that moment is refused and judges anew.
"""

import logging
from dataclasses import dataclass
from typing import Any, Generic

from application.cluster_models.amendment_store import AmendableKind, amendable, load_facts
from application.cluster_models.amendment_writer import append, open_amendments, told_since
from application.cluster_models.kinds import CollectedKind, M
from application.kernel.unit_of_work import Transaction
from application.ports.records import RecordStore
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.cluster_models.amendments import ModelAmendments
from domain.kernel.metadata import Context

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AmendmentCarryover(Generic[M]):
    """Takes collections of a kind of model in.

    Attributes:
        kind: of the models.
        records: holds what was told.
    """

    kind: CollectedKind[M]
    records: RecordStore

    def before(self, transaction: Transaction, kept: ClusterModel) -> str | None:
        """Digest of the record of the model as it was, amended; None if there was none."""
        era = _era(transaction, kept)
        return kept.digest if era is None or era.digest is None else era.digest

    def take_in(
        self,
        transaction: Transaction,
        ctx: Context,
        kept: ClusterModel,
        collection: CompleteCollection,
        model: M,
    ) -> str:
        """Records a collection; returns the digest of the model that it leads to."""
        era = _era(transaction, kept)
        kept.take_in(ctx, collection)
        if era is None:
            return collection.digest
        era.close(ctx, collection.digest)
        how = amendable(self.kind)
        carried = None if how is None else self._carried(transaction, ctx, kept, era, how, model)
        return carried or collection.digest

    def _carried(
        self,
        transaction: Transaction,
        ctx: Context,
        kept: ClusterModel,
        old: ModelAmendments,
        how: AmendableKind[M, Any],
        model: M,
    ) -> str | None:
        if kept.began is None:
            return None
        try:
            facts = load_facts(self.records, how, old.digest)
        except (KeyError, ValueError) as lost:
            log.warning("what notifications told (%s) is lost: %s", old.digest, lost)
            return None
        admission = how.carried(how.over(model, facts), model, told_since(kept.began))
        if not len(admission.facts):
            return None
        era = open_amendments(transaction, ctx, kept, how.kind.sizes(model))
        return append(self.records, how, ctx, era, admission)


def _era(transaction: Transaction, kept: ClusterModel) -> ModelAmendments | None:
    if kept.amendments is None:
        return None
    return transaction.get(ModelAmendments, kept.amendments)
