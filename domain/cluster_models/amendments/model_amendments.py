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
    """Some facts that were let in together.

    Attributes:
        digest: of the record that holds them, and names the one before.
        depth: how many records must be read to know all facts, this one included.
        facts: how many there are in it.
        changes: what they do to the model, in counts such as ``servers_moved``.
        ignored: how many were not let in, by reason.
    """

    digest: str
    depth: int
    facts: int
    changes: Counts
    ignored: Counts


class ModelAmendments(Aggregate):
    """What notifications told since a collection; closed by the next collection.

    A stream of its own for each collection: it stays short, and whoever appends to it need not
    know the model's whole life. That it is closed is what keeps a late listener from amending a
    collection that is no longer the last one.

    Attributes:
        model: id of the kept model.
        base: digest of the record of the collection.
        since: when that collection began, at the latest.
        digest: of the newest record of facts, None before the first.
        depth: how many records must be read to know all facts.
        sizes: of the model, amended.
        count: amendments so far.
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
        """Nothing was told yet."""
        return cls._new(
            AmendmentsOpened, ctx, identity, model=model, base=base, since=since, sizes=sizes
        )

    def amend(self, ctx: Context, amendment: Amendment) -> None:
        """Records what was told.

        Raises:
            IllegalTransition: a later collection has ended it.
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
        """Records that a later collection (its record's digest) ends it."""
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
