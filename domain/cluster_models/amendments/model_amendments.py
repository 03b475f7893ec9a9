from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from domain.cluster_models.amendments.events import AmendmentsClosed, AmendmentsOpened, ModelAmended
from domain.cluster_models.events import Counts
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.errors import IllegalTransition
from domain.kernel.metadata import Context


@dataclass(frozen=True)
class Amendment:
    """A batch of admitted facts.

    Attributes:
        digest: of the record of the facts; it holds the digest of the previous record.
        depth: number of records to read for all facts, including this one.
        facts: number of facts in the record.
        changes: effects on the model, in counts such as ``servers_moved``.
        ignored: number of facts that were not admitted, by reason.
    """

    digest: str
    depth: int
    facts: int
    changes: Counts
    ignored: Counts


class ModelAmendments(Aggregate):
    """The amendments to one collection by notifications; the next collection closes them.

    Each collection has a stream of its own, so that streams stay short and an append does not load
    the model's whole history. A listener cannot amend an outdated collection, because its
    amendments are closed.

    Attributes:
        model: id of the ``ClusterModel``.
        base: digest of the record of the collection.
        since: latest time at which the collection can have begun.
        sizes: of the amended model.
        digest: of the newest record of facts, None before the first.
        depth: number of records to read for all facts.
        count: number of amendments.
    """

    TOPIC = "model-amendments"
    SNAPSHOTS = True

    model: UUID
    base: str
    since: datetime
    sizes: Counts
    digest: str | None = None
    depth: int = 0
    count: int = 0
    closed: bool = False

    @classmethod
    def open(
        cls,
        ctx: Context,
        identity: UUID,
        *,
        model: UUID,
        base: str,
        since: datetime,
        sizes: Counts,
    ) -> Self:
        """Amendments without any fact yet."""
        return cls._new(
            AmendmentsOpened, ctx, identity, model=model, base=base, since=since, sizes=sizes
        )

    def amend(self, ctx: Context, amendment: Amendment) -> None:
        """Records a batch of facts.

        Raises:
            IllegalTransition: a later collection has closed these amendments.
        """
        if self.closed:
            raise IllegalTransition("ModelAmendments", "closed", "amended")
        self._trigger(
            ModelAmended,
            ctx,
            model=self.model,
            base=self.base,
            digest=amendment.digest,
            depth=amendment.depth,
            facts=amendment.facts,
            changes=amendment.changes,
            ignored=amendment.ignored,
            sizes=_changed(self.sizes, amendment.changes),
        )

    def close(self, ctx: Context, digest: str) -> None:
        """Records that a later collection (the digest of its record) replaced this one."""
        if not self.closed:
            self._trigger(AmendmentsClosed, ctx, digest=digest)

    @evolves
    def _amended(self, event: ModelAmended) -> None:
        self.digest = event.digest
        self.depth = event.depth
        self.sizes = event.sizes
        self.count += 1

    @evolves
    def _closed(self, _: AmendmentsClosed) -> None:
        self.closed = True


def _changed(sizes: Counts, changes: Counts) -> Counts:
    return {
        noun: count + changes.get(f"{noun}_added", 0) - changes.get(f"{noun}_removed", 0)
        for noun, count in sizes.items()
    }
