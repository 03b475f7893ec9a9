from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from domain.cluster_models.events import (
    ClusterModelAmending,
    ClusterModelCollected,
    ClusterModelCollectionFailed,
    ClusterModelOpened,
    ClusterModelRecovered,
    Counts,
)
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason

QUARANTINE_SHOWN = 20
"""So many problems go into an event; all of them are in the record."""


@dataclass(frozen=True)
class CompleteCollection:
    """A complete collection.

    Attributes:
        digest: of the record that holds the model and all problems.
        sizes: how much there is of what (``hosts`` → 3).
        calls: requests that it took.
        seconds: how long it took.
        problems: what could not be used.
        changes: since the model that the aggregate holds; None if that cannot be told.
    """

    digest: str
    sizes: Counts
    calls: int
    seconds: float
    problems: tuple[Cause, ...]
    changes: Counts | None


class ClusterModel(Aggregate):
    """The kept model of one kind of one cloud: each content that it had, and outages.

    Attributes:
        digest: of what was collected last, None before the first collection.
        began: when that collection began, at the latest; None before the first one.
        collections: how many were taken in.
        amendments: id of what notifications told since; None if they told nothing yet.
    """

    TOPIC = "cluster-model"
    SNAPSHOTS = True

    cloud: str
    kind: str
    digest: str | None = None
    problem: Cause | None = None
    began: datetime | None = None
    collections: int = 0
    amendments: UUID | None = None

    @classmethod
    def open(cls, ctx: Context, cloud: str, kind: str) -> Self:
        """The model of a cloud of which nothing is known yet."""
        identity = cluster_model_id(cloud, kind)
        return cls._new(ClusterModelOpened, ctx, identity, cloud=cloud, kind=kind)

    def take_in(self, ctx: Context, collection: CompleteCollection) -> None:
        """Records what a complete collection changed; nothing if it changed nothing.

        After amendments it is always recorded: it ends them.
        """
        if collection.digest == self.digest and self.amendments is None:
            if self.problem is not None:
                self._trigger(ClusterModelRecovered, ctx)
            return
        self._trigger(
            ClusterModelCollected,
            ctx,
            digest=collection.digest,
            sizes=collection.sizes,
            calls=collection.calls,
            seconds=round(collection.seconds, 3),
            quarantined=collection.problems[:QUARANTINE_SHOWN],
            quarantined_count=len(collection.problems),
            changes=collection.changes,
        )

    def amend(self, ctx: Context, amendments: UUID) -> None:
        """Records that notifications amend the last collection."""
        self._trigger(ClusterModelAmending, ctx, amendments=amendments)

    def fail(self, ctx: Context, because: Cause) -> None:
        """Records that the cloud cannot be read; nothing if that is known already.

        That it has no such service is another thing than an outage, and recorded as such.
        """
        if self.problem is None or _absence(self.problem) != _absence(because):
            self._trigger(ClusterModelCollectionFailed, ctx, because=because)

    @evolves
    def _collected(self, event: ClusterModelCollected) -> None:
        self.digest = event.digest
        self.problem = None
        self.began = event.timestamp - timedelta(seconds=event.seconds)
        self.collections += 1
        self.amendments = None

    @evolves
    def _amending(self, event: ClusterModelAmending) -> None:
        self.amendments = event.amendments

    @evolves
    def _failed(self, event: ClusterModelCollectionFailed) -> None:
        self.problem = event.because

    @evolves
    def _recovered(self, _: ClusterModelRecovered) -> None:
        self.problem = None


def _absence(because: Cause) -> bool:
    return because.reason is Reason.SERVICE_ABSENT
