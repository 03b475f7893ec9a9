from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypedDict
from uuid import UUID

from domain.cluster_models.events import (
    ClusterModelAmending,
    ClusterModelCollected,
    ClusterModelCollectionFailed,
    ClusterModelOpened,
    ClusterModelRecovered,
    Counts,
)
from domain.kernel.aggregate import Aggregate
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


class ClusterModelForm(TypedDict):
    """What a kept model remembers. It is collected without end."""

    cloud: str
    kind: str
    digest: str | None
    problem: Cause | None
    began: datetime | None
    collections: int
    amendments: UUID | None


class ClusterModel(Aggregate):
    """The kept model of one kind of one cloud: each content that it had, and outages.

    Attributes:
        digest: of what was collected last, None before the first collection.
        began: when that collection began, at the latest; None before the first one.
        collections: how many were taken in.
        amendments: id of what notifications told since; None if they told nothing yet.
    """

    TOPIC = "cluster-model"

    def __init__(self) -> None:
        self.cloud = ""
        self.kind = ""
        self.digest: str | None = None
        self.problem: Cause | None = None
        self.began: datetime | None = None
        self.collections = 0
        self.amendments: UUID | None = None

    @classmethod
    def form(cls) -> type[ClusterModelForm]:
        """The types of its attributes."""
        return ClusterModelForm

    @classmethod
    def open(cls, ctx: Context, cloud: str, kind: str) -> Self:
        """The model of a cloud of which nothing is known yet."""
        identity = cluster_model_id(cloud, kind)
        return cls._born(ClusterModelOpened, ctx, identity, cloud=cloud, kind=kind)

    def take_in(self, ctx: Context, collection: CompleteCollection) -> None:
        """Records what a complete collection changed; nothing if it changed nothing.

        After amendments it is always recorded: it ends them.
        """
        if collection.digest == self.digest and self.amendments is None:
            if self.problem is not None:
                self._record(ClusterModelRecovered, ctx)
            return
        self._record(
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
        self._record(ClusterModelAmending, ctx, amendments=amendments)

    def fail(self, ctx: Context, because: Cause) -> None:
        """Records that the cloud cannot be read; nothing if that is known already.

        That it has no such service is another thing than an outage, and recorded as such.
        """
        if self.problem is None or _absence(self.problem) != _absence(because):
            self._record(ClusterModelCollectionFailed, ctx, because=because)


def _absence(because: Cause) -> bool:
    return because.reason is Reason.SERVICE_ABSENT
