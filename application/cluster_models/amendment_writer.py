"""Applies what notifications tell to a kept model, as it comes."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from application.cluster_models.amendment_store import (
    LINKS,
    AmendableKind,
    AmendedModel,
    S,
    encode_amendment,
    load_facts,
)
from application.cluster_models.kinds import M
from application.cluster_models.record import load_model
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.records import RecordStore
from application.workers.counting import ADMITTED
from domain.cluster_models import ClusterModel
from domain.cluster_models.amendments import TOLERANCE, Admission, Amendment, ModelAmendments
from domain.kernel.ids import amendments_id, cluster_model_id
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause, Reason

log = logging.getLogger(__name__)

MANY = 1000
"""Amendments after which a collection is asked for, should none have come in the meantime."""


def told_since(began: datetime) -> float:
    """Seconds since the epoch from which on a collection may not have seen what was told."""
    return began.timestamp() - TOLERANCE


@dataclass(frozen=True)
class _Known(Generic[M, S]):
    """The amended model as of a record, kept so that the next batch need not read it again.

    Attributes:
        digest: of the newest record of facts, None before the first.
    """

    base: str
    digest: str | None
    amended: AmendedModel[M, S]


def _nobody_counts(outcome: str, count: int) -> None:
    del outcome, count


class AmendmentWriter(Generic[M, S]):
    """Amends the kept model of one kind of one cloud. Any number may work at once.

    What is told is judged against what is in the log, and appended only if nobody else appended
    meanwhile, otherwise judged again: an amender never overwrites another one's facts, nor those of
    a collection.

    Args:
        how: what is peculiar to the kind.
        commands: appends.
        records: holds models and facts.
        cloud: the cloud's name in the settings.
        metadata: who says so.
        count: is told how many facts came to what: ``admitted``, or why they were ignored.
    """

    def __init__(
        self,
        how: AmendableKind[M, S],
        commands: Commands,
        records: RecordStore,
        *,
        cloud: str,
        metadata: Metadata,
        count: Callable[[str, int], None] = _nobody_counts,
    ) -> None:
        self._how = how
        self._commands = commands
        self._records = records
        self._metadata = metadata
        self._id = cluster_model_id(cloud, how.kind.name)
        self._one_at_a_time = threading.Lock()
        self._open: UUID | None = None
        self._known: _Known[M, S] | None = None
        self._waiting: S = how.facts()
        self._count = count

    def take(self, facts: S) -> tuple[Cause, ...]:
        """Lays facts over the model, and returns what only a collection can tell.

        Without a model they wait in memory for the first collection, which may be reading already.

        Raises:
            EventLogUnavailable, ConcurrencyConflict: they were not recorded; take them again.
        """
        with self._one_at_a_time:
            told: S = self._waiting.joined(facts)
            if not len(told):
                return ()
            admission = self._commands.run(
                self._metadata, lambda transaction, ctx: self._decide(transaction, ctx, told)
            ).value
            if admission is None:
                self._waiting = told
                return (Cause(Reason.MODEL_EMPTY),)
            self._waiting = self._how.facts()
        self._count(ADMITTED, len(admission.facts))
        for why, count in admission.ignored.items():
            self._count(why.value, count)
        return admission.unclear

    # -- deciding --------------------------------------------------------------------------------

    def _decide(
        self, transaction: Transaction, ctx: Context, told: S
    ) -> Admission[S, AmendedModel[M, S]] | None:
        era = self._era(transaction)
        cluster = None if era is not None else transaction.find(ClusterModel, self._id)
        base, since = _basis(era, cluster)
        known = None if base is None else self._amended(base, None if era is None else era.digest)
        if base is None or since is None or known is None:
            return None
        admission = self._how.admit(known.amended, told, told_since(since))
        if not len(admission.facts):
            return admission
        if era is None and cluster is not None:
            era = open_amendments(
                transaction, ctx, cluster, self._how.kind.sizes(known.amended.base)
            )
        if era is None:
            raise AssertionError("there is a basis, so there is one of them")
        digest = append(self._records, self._how, ctx, era, admission)
        self._open = era.id
        # if it is not appended, its digest is never found
        self._known = _Known(base, digest, admission.over)
        if era.count < MANY:
            return admission
        long = Cause(Reason.NEEDS_COLLECTION, {"event": f"a row of {era.count} amendments"})
        return replace(admission, unclear=(*admission.unclear, long))

    def _era(self, transaction: Transaction) -> ModelAmendments | None:
        """The amendments that are open, if that is known without the model's whole history."""
        found = None if self._open is None else transaction.find(ModelAmendments, self._open)
        if found is not None and not found.closed:
            return found
        cluster = transaction.find(ClusterModel, self._id)
        if cluster is None or cluster.amendments is None:
            return None
        return transaction.get(ModelAmendments, cluster.amendments)

    def _amended(self, base: str, digest: str | None) -> _Known[M, S] | None:
        known = self._known
        if known is not None and (known.base, known.digest) == (base, digest):
            return known
        if known is not None and known.base == base:
            model = known.amended.base
        else:
            loaded = load_model(self._records, self._how.kind, base)
            if loaded is None:
                return None
            model = loaded.model
        try:
            facts = load_facts(self._records, self._how, digest)
        except (KeyError, ValueError) as lost:
            log.warning("the amendments %s cannot be read: %s", digest, lost)
            return None
        self._known = _Known(base, digest, self._how.over(model, facts))
        return self._known


def _basis(
    era: ModelAmendments | None, cluster: ClusterModel | None
) -> tuple[str | None, datetime | None]:
    """The digest of the last collection, and when it began."""
    if era is not None:
        return era.base, era.since
    return (None, None) if cluster is None else (cluster.digest, cluster.began)


def open_amendments(
    transaction: Transaction, ctx: Context, cluster: ClusterModel, sizes: dict[str, int]
) -> ModelAmendments:
    """Begins the amendments of the last collection."""
    if cluster.digest is None or cluster.began is None:
        raise ValueError("nothing was collected yet")
    era = ModelAmendments.open(
        ctx,
        amendments_id(cluster.id, cluster.collections),
        model=cluster.id,
        base=cluster.digest,
        since=cluster.began,
        sizes=sizes,
    )
    cluster.amend(ctx, era.id)
    transaction.add(era)
    return era


def append(
    records: RecordStore,
    how: AmendableKind[Any, S],
    ctx: Context,
    era: ModelAmendments,
    admission: Admission[S, AmendedModel[Any, S]],
) -> str:
    """Stores what was let in, and records it; returns the record's digest."""
    if era.digest is None or era.depth < LINKS:
        facts, previous, depth = admission.facts, era.digest, era.depth + 1
    else:
        facts, previous, depth = admission.over.facts, None, 1
    digest = records.put(encode_amendment(how.kind, era.base, previous, depth, facts))
    era.amend(
        ctx,
        Amendment(
            digest=digest,
            depth=depth,
            facts=len(admission.facts),
            changes=admission.changes,
            ignored={why.value: count for why, count in sorted(admission.ignored.items())},
        ),
    )
    return digest
