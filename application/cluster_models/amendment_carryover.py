"""Records a collection, and carries over to it the facts that it may not have seen.

One transaction records the collection, closes the amendments of the previous one and opens those
of the new one. A listener that appends at the same time gets a conflict and judges its facts again.
"""

import logging
from dataclasses import dataclass
from typing import Generic

from application.cluster_models.amendment_store import amendable, load_facts
from application.cluster_models.amendment_writer import append, not_seen_since, open_amendments
from application.cluster_models.kinds import CollectedKind, M
from application.kernel.unit_of_work import Transaction
from application.ports.records import RecordStore
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.cluster_models.amendments import ModelAmendments, carry_over
from domain.kernel.metadata import Context

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AmendmentCarryover(Generic[M]):
    """Records collections of a kind of model.

    Attributes:
        kind: of the models.
        records: holds the facts.
    """

    kind: CollectedKind[M]
    records: RecordStore

    def digest_before(self, transaction: Transaction, cluster: ClusterModel) -> str | None:
        """Digest of the record of the current model, amended; None if there is none."""
        amendments = _amendments(transaction, cluster)
        if amendments is None or amendments.digest is None:
            return cluster.digest
        return amendments.digest

    def record(
        self,
        transaction: Transaction,
        ctx: Context,
        cluster: ClusterModel,
        collection: CompleteCollection,
        model: M,
    ) -> str:
        """Records a collection; returns the digest of the resulting model."""
        amendments = _amendments(transaction, cluster)
        if amendments is not None and self._is_confirmed(cluster, amendments, collection, model):
            return amendments.digest or collection.digest
        cluster.record_collection(ctx, collection)
        if amendments is None:
            return collection.digest
        amendments.close(ctx, collection.digest)
        carried = self._carry_over(transaction, ctx, cluster, amendments, model)
        return carried or collection.digest

    def _is_confirmed(
        self,
        cluster: ClusterModel,
        amendments: ModelAmendments,
        collection: CompleteCollection,
        model: M,
    ) -> bool:
        """Whether a collection shows the last one again, and the amendments change nothing of it.

        Such amendments remember deletions, so that late messages bring nothing back. They stay
        open: nothing is worth an event.
        """
        how = amendable(self.kind)
        if how is None or cluster.problem is not None or collection.digest != cluster.digest:
            return False
        try:
            facts = load_facts(self.records, how, amendments.digest)
        except (KeyError, ValueError):
            return False
        amended, problems = how.amend(model, facts).model()
        return not problems and amended.to_columns() == model.to_columns()

    def _carry_over(
        self,
        transaction: Transaction,
        ctx: Context,
        cluster: ClusterModel,
        closed: ModelAmendments,
        model: M,
    ) -> str | None:
        how = amendable(self.kind)
        if how is None or cluster.began is None:
            return None
        try:
            facts = load_facts(self.records, how, closed.digest)
        except (KeyError, ValueError) as error:
            log.warning("the amendments %s cannot be read, and are lost: %s", closed.digest, error)
            return None
        known = how.amend(model, facts)
        admission = carry_over(known, model, not_seen_since(cluster.began), how.admit)
        if not admission.facts:
            return None
        opened = open_amendments(transaction, ctx, cluster, self.kind.sizes(model))
        return append(self.records, how, ctx, opened, admission)


def _amendments(transaction: Transaction, cluster: ClusterModel) -> ModelAmendments | None:
    if cluster.amendments is None:
        return None
    return transaction.get(ModelAmendments, cluster.amendments)
