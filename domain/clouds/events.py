"""The events of a kept cluster model. That nothing changed is no event: freshness is a row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.kernel.aggregate import Created, Event
from domain.kernel.reasons import Because

if TYPE_CHECKING:
    from domain.clouds.cluster_model import ClusterModel


@dataclass(frozen=True)
class Changes:
    """How a model differs from the one before, in counts.

    Attributes:
        hosts_added, hosts_removed: by id.
        hosts_changed: same id, any other attribute is another.
        servers_added, servers_removed: by id, wherever they are.
        servers_moved: on another host than before, or on one instead of on none.
        servers_changed: on the same host, any other attribute is another.
    """

    hosts_added: int = 0
    hosts_removed: int = 0
    hosts_changed: int = 0
    servers_added: int = 0
    servers_removed: int = 0
    servers_moved: int = 0
    servers_changed: int = 0


class ClusterModelOpened(Created):
    """A cloud's model began to be kept.

    Attributes:
        cloud: its name in the settings.
        kind: ``compute``.
    """

    TOPIC = "cluster-model.opened"
    cloud: str
    kind: str

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.cloud = self.cloud
        aggregate.kind = self.kind


class ClusterModelCollected(Event):
    """A complete collection showed something else than the one before.

    Attributes:
        digest: of the record that holds the model.
        hosts, servers: in the model; servers on no host included.
        calls: requests that it took.
        seconds: from its first request until the model was built.
        quarantined: records that could not be used, and other problems: the first ones.
        quarantined_count: how many there are in all.
        changes: since the model before (the first one: everything is new); None if that one could
            not be read any more.
    """

    TOPIC = "cluster-model.collected"
    digest: str
    hosts: int
    servers: int
    calls: int
    seconds: float
    quarantined: tuple[Because, ...]
    quarantined_count: int
    changes: Changes | None

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.digest = self.digest
        aggregate.problem = None


class ClusterModelCollectionFailed(Event):
    """The cloud could not be read (whole); the model that was kept is growing stale."""

    TOPIC = "cluster-model.collection-failed"
    because: Because

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.problem = self.because


class ClusterModelRecovered(Event):
    """The cloud can be read again, and shows what it showed before."""

    TOPIC = "cluster-model.recovered"

    def apply(self, aggregate: "ClusterModel") -> None:
        aggregate.problem = None
