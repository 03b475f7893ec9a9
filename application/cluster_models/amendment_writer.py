"""Amends the current model of a kind with the facts of notifications."""

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
    S,
    encode_amendment,
    load_facts,
)
from application.cluster_models.kinds import M
from application.cluster_models.record import load_model
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.records import RecordStore
from application.workers.counting import ADMITTED
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster_models import ClusterModel
from domain.cluster_models.amendments import (
    TOLERANCE,
    Admission,
    AmendedModel,
    Amendment,
    ModelAmendments,
)
from domain.cluster_models.reasons import NEEDS_COLLECTION
from domain.kernel.ids import amendments_id, cluster_model_id
from domain.kernel.metadata import Context, Metadata
from domain.kernel.reasons import Cause

log = logging.getLogger(__name__)

MANY = 1000
"""Number of amendments after which a collection is requested."""


def not_seen_since(began: datetime) -> float:
    """Time from which a collection that began then may not have seen a fact, s since the epoch."""
    return began.timestamp() - TOLERANCE


@dataclass(frozen=True)
class _Loaded(Generic[M, S]):
    """The amended model as of a record, kept in memory for the next batch.

    Attributes:
        digest: of the newest record of facts, None before the first.
    """

    base: str
    digest: str | None
    amended: AmendedModel[M, S]


def _ignore_count(outcome: str, count: int) -> None:
    del outcome, count


class AmendmentWriter(Generic[M, S]):
    """Amends the current model of one kind of one cloud. Any number of writers may run at once.

    Facts are judged against the log. If another process has appended meanwhile they are judged
    again, so no writer overwrites the facts of another one or a collection.

    Args:
        how: the kind of model.
        commands: appends events.
        records: stores models and facts.
        cloud: name of the cloud in the settings.
        metadata: of the appended events.
        count: receives the number of facts by outcome: ``admitted``, or why they were ignored.
    """

    def __init__(
        self,
        how: AmendableKind[M, S],
        commands: Commands,
        records: RecordStore,
        *,
        cloud: str,
        metadata: Metadata,
        count: Callable[[str, int], None] = _ignore_count,
    ) -> None:
        self._how = how
        self._commands = commands
        self._records = records
        self._metadata = metadata
        self._id = cluster_model_id(cloud, how.kind.name)
        self._lock = threading.Lock()
        self._open: UUID | None = None
        self._loaded: _Loaded[M, S] | None = None
        self._waiting: S = how.facts()
        self._count = count

    def add(self, facts: S) -> tuple[Cause, ...]:
        """Applies facts to the model; returns what only a collection can answer.

        Without a model they wait in memory for the first collection, which may be running already.

        Raises:
            EventLogUnavailable, ConcurrencyConflict: the facts were not recorded; add them again.
        """
        with self._lock:
            new: S = self._waiting.joined(facts)
            if not new:
                return ()
            admission = self._commands.run(
                self._metadata, lambda transaction, ctx: self._decide(transaction, ctx, new)
            ).value
            if admission is None:
                self._waiting = new
                return (Cause(MODEL_EMPTY),)
            self._waiting = self._how.facts()
        self._count(ADMITTED, len(admission.facts))
        for why, count in admission.ignored.items():
            self._count(why.value, count)
        return admission.unclear

    def known(self) -> tuple[str, str] | None:
        """Digests of the collection and of the model with all facts; the same without any.

        None while facts wait for the first collection.

        Raises:
            EventLogUnavailable: the log cannot be read.
        """
        with self._lock:
            if self._waiting:
                return None
            return self._commands.run(self._metadata, lambda tx, _: self._digests(tx)).value

    # -- deciding --------------------------------------------------------------------------------

    def _decide(
        self, transaction: Transaction, ctx: Context, new: S
    ) -> Admission[S, AmendedModel[M, S]] | None:
        """Returns None if there is no readable model yet."""
        amendments = self._open_amendments(transaction)
        cluster = None if amendments is not None else transaction.find(ClusterModel, self._id)
        base, since = _basis(amendments, cluster)
        if base is None or since is None:
            return None
        loaded = self._load(base, None if amendments is None else amendments.digest)
        if loaded is None:
            return None
        admission = self._how.admit(loaded.amended, new, not_seen_since(since))
        if not admission.facts:
            return admission
        if amendments is None and cluster is not None:
            amendments = open_amendments(
                transaction, ctx, cluster, self._how.kind.sizes(loaded.amended.base)
            )
        if amendments is None:
            raise AssertionError("there is a basis, so there is one of them")
        digest = append(self._records, self._how, ctx, amendments, admission)
        self._open = amendments.id
        # if the append fails, the digest is in no event and this model is not used
        self._loaded = _Loaded(base, digest, admission.amended)
        if amendments.count < MANY:
            return admission
        many = Cause(NEEDS_COLLECTION, {"event": f"{amendments.count} amendments"})
        return replace(admission, unclear=(*admission.unclear, many))

    def _digests(self, transaction: Transaction) -> tuple[str, str] | None:
        amendments = self._open_amendments(transaction)
        if amendments is not None:
            return amendments.base, amendments.digest or amendments.base
        cluster = transaction.find(ClusterModel, self._id)
        if cluster is None or cluster.digest is None:
            return None
        return cluster.digest, cluster.digest

    def _open_amendments(self, transaction: Transaction) -> ModelAmendments | None:
        """The open amendments; avoids to load the model's whole history if their id is known."""
        found = None if self._open is None else transaction.find(ModelAmendments, self._open)
        if found is not None and not found.closed:
            return found
        cluster = transaction.find(ClusterModel, self._id)
        if cluster is None or cluster.amendments is None:
            return None
        return transaction.get(ModelAmendments, cluster.amendments)

    def _load(self, base: str, digest: str | None) -> _Loaded[M, S] | None:
        loaded = self._loaded
        if loaded is not None and (loaded.base, loaded.digest) == (base, digest):
            return loaded
        if loaded is not None and loaded.base == base:
            model = loaded.amended.base
        else:
            collected = load_model(self._records, self._how.kind, base)
            if collected is None:
                return None
            model = collected.model
        try:
            facts = load_facts(self._records, self._how, digest)
        except (KeyError, ValueError) as error:
            log.warning("the amendments %s cannot be read: %s", digest, error)
            return None
        self._loaded = _Loaded(base, digest, self._how.amend(model, facts))
        return self._loaded


def _basis(
    amendments: ModelAmendments | None, cluster: ClusterModel | None
) -> tuple[str | None, datetime | None]:
    """Digest of the last collection's record, and when that collection began."""
    if amendments is not None:
        return amendments.base, amendments.since
    return (None, None) if cluster is None else (cluster.digest, cluster.began)


def open_amendments(
    transaction: Transaction, ctx: Context, cluster: ClusterModel, sizes: dict[str, int]
) -> ModelAmendments:
    """Opens amendments of the last collection."""
    if cluster.digest is None or cluster.began is None:
        raise ValueError("no collection to amend")
    opened = ModelAmendments.open(
        ctx,
        amendments_id(cluster.id, cluster.collections),
        model=cluster.id,
        base=cluster.digest,
        since=cluster.began,
        sizes=sizes,
    )
    cluster.amend(ctx, opened.id)
    transaction.add(opened)
    return opened


def append(
    records: RecordStore,
    how: AmendableKind[Any, S],
    ctx: Context,
    amendments: ModelAmendments,
    admission: Admission[S, AmendedModel[Any, S]],
) -> str:
    """Stores admitted facts and appends the event; returns the record's digest."""
    if amendments.digest is None or amendments.depth < LINKS:
        facts, previous = admission.facts, amendments.digest
        depth = amendments.depth + 1
    else:
        facts, previous, depth = admission.amended.facts, None, 1
    digest = records.put(encode_amendment(how.kind, amendments.base, previous, depth, facts))
    amendments.amend(
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
