from dataclasses import dataclass
from typing import Self

from domain.clouds.events import (
    Changes,
    ClusterModelCollected,
    ClusterModelCollectionFailed,
    ClusterModelOpened,
    ClusterModelRecovered,
)
from domain.kernel.aggregate import Root
from domain.kernel.ids import cluster_model_id
from domain.kernel.metadata import Context
from domain.kernel.reasons import Because

QUARANTINE_SHOWN = 20
"""So many problems go into an event; all of them are in the record."""


@dataclass(frozen=True)
class Collection:
    """A complete collection.

    Attributes:
        digest: of the record that holds the model and all problems.
        hosts, servers: how many there are.
        calls: requests that it took.
        seconds: how long it took.
        problems: what could not be used.
        changes: since the model that the aggregate holds; None if that cannot be told.
    """

    digest: str
    hosts: int
    servers: int
    calls: int
    seconds: float
    problems: tuple[Because, ...]
    changes: Changes | None


class ClusterModel(Root):
    """The kept model of one kind of one cloud: each content that it had, and outages."""

    TOPIC = "cluster-model"

    def __init__(self) -> None:
        self.cloud = ""
        self.kind = ""
        self.digest: str | None = None
        self.problem: Because | None = None

    @classmethod
    def open(cls, ctx: Context, cloud: str, kind: str) -> Self:
        """The model of a cloud of which nothing is known yet."""
        identity = cluster_model_id(cloud, kind)
        return cls._born(ClusterModelOpened, ctx, identity, cloud=cloud, kind=kind)

    def take_in(self, ctx: Context, collection: Collection) -> None:
        """Records what a complete collection changed; nothing if it changed nothing."""
        if collection.digest == self.digest:
            if self.problem is not None:
                self._record(ClusterModelRecovered, ctx)
            return
        self._record(
            ClusterModelCollected,
            ctx,
            digest=collection.digest,
            hosts=collection.hosts,
            servers=collection.servers,
            calls=collection.calls,
            seconds=round(collection.seconds, 3),
            quarantined=collection.problems[:QUARANTINE_SHOWN],
            quarantined_count=len(collection.problems),
            changes=collection.changes,
        )

    def fail(self, ctx: Context, because: Because) -> None:
        """Records that the cloud cannot be read; nothing if that is known already."""
        if self.problem is None:
            self._record(ClusterModelCollectionFailed, ctx, because=because)
