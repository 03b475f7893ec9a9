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
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.aggregate import Aggregate, evolves
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause

QUARANTINE_SHOWN = 20
"""Maximum number of problems in an event; the record holds all of them."""


@dataclass(frozen=True)
class CompleteCollection:
    """A complete collection.

    Attributes:
        digest: of the record of the model and all problems.
        sizes: number of rows by name (``hosts`` → 3).
        calls: number of requests.
        seconds: duration.
        problems: what could not be used.
        changes: since the previous model; None if that cannot be read any more.
    """

    digest: str
    sizes: Counts
    calls: int
    seconds: float
    problems: tuple[Cause, ...]
    changes: Counts | None


class ClusterModel(Aggregate):
    """The collected model of one kind of one cloud: its versions, and outages.

    Attributes:
        digest: of the last collection's record, None before the first collection.
        began: latest time at which that collection can have begun; None before the first one.
        collections: number of recorded collections.
        amendments: id of the open amendments; None if no notification has changed the model yet.
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
        """A model of which no collection exists yet."""
        identity = cluster_model_id(cloud, kind)
        return cls._new(ClusterModelOpened, ctx, identity, cloud=cloud, kind=kind)

    def record_collection(self, ctx: Context, collection: CompleteCollection) -> None:
        """Records a complete collection, if it differs from the last one or closes amendments."""
        if collection.digest == self.digest and self.amendments is None:
            if self.problem is not None:
                self._trigger(ClusterModelRecovered, ctx, kind=self.kind)
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
        """Records that the cloud cannot be read, unless this is recorded already.

        An absent service and an outage are different failures.
        """
        if self.problem is None or _is_absence(self.problem) != _is_absence(because):
            self._trigger(ClusterModelCollectionFailed, ctx, because=because, kind=self.kind)

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


def _is_absence(because: Cause) -> bool:
    return because.reason == SERVICE_ABSENT
