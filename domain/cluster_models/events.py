"""The events of a kept cluster model. That nothing changed is no event: freshness is a row."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from domain.kernel.aggregate import Created, Event
from domain.kernel.reasons import Cause

if TYPE_CHECKING:
    from domain.cluster_models.cluster_model import ClusterModel


Counts = dict[str, int]
"""How many of what: ``hosts`` → 3, ``servers_moved`` → 2."""


class ClusterModelOpened(Created):
    """A cloud's model began to be kept.

    Attributes:
        cloud: its name in the settings.
        kind: ``compute``, ``storage`` or ``baremetal``.
    """

    TOPIC = "cluster-model.opened"
    cloud: str
    kind: str

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.cloud = self.cloud
        aggregate.kind = self.kind


class ClusterModelCollected(Event):
    """A complete collection showed something else than the one before.

    Version 1 knew compute models only: ``hosts`` and ``servers`` were fields of their own.

    Attributes:
        digest: of the record that holds the model.
        sizes: how much there is: ``hosts`` and ``servers`` (those on no host included);
            ``backends``, ``pools`` and ``volumes`` (those in no pool included); ``machines``.
        calls: requests that it took.
        seconds: from its first request until the model was built.
        quarantined: records that could not be used, and other problems: the first ones.
        quarantined_count: how many there are in all.
        changes: since the model before (the first one: everything is new), in counts such as
            ``servers_moved``; None if that one could not be read any more.
    """

    TOPIC = "cluster-model.collected"
    class_version: ClassVar[int] = 2
    digest: str
    sizes: Counts
    calls: int
    seconds: float
    quarantined: tuple[Cause, ...]
    quarantined_count: int
    changes: Counts | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Sizes became counts by name; the counts of changes have the names that they had."""
        state["sizes"] = {"hosts": state.pop("hosts"), "servers": state.pop("servers")}

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.digest = self.digest
        aggregate.problem = None
        aggregate.began = self.timestamp - timedelta(seconds=self.seconds)
        aggregate.collections += 1
        aggregate.amendments = None


class ClusterModelAmending(Event):
    """Notifications began to amend what was collected last.

    Attributes:
        amendments: id of the ``ModelAmendments`` that hold what they tell.
    """

    TOPIC = "cluster-model.amending"
    amendments: UUID

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.amendments = self.amendments


class ClusterModelCollectionFailed(Event):
    """The cloud could not be read (whole); the model that was kept is growing stale."""

    TOPIC = "cluster-model.collection-failed"
    because: Cause

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.problem = self.because


class ClusterModelRecovered(Event):
    """The cloud can be read again, and shows what it showed before."""

    TOPIC = "cluster-model.recovered"

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.problem = None
