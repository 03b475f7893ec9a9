"""The events of what notifications tell of a collected model."""

from datetime import datetime
from uuid import UUID

from domain.cluster_models.events import Counts
from domain.kernel.aggregate import Created, Event


class AmendmentsOpened(Created):
    """The first notification came since a collection.

    Attributes:
        model: id of the kept model.
        base: digest of the record of the collection.
        since: when the collection began, at the latest.
        sizes: how much the collection showed, as in ``cluster-model.collected``.
    """

    TOPIC = "model-amendments.opened"
    model: UUID
    base: str
    since: datetime
    sizes: Counts


class ModelAmended(Event):
    """Notifications changed the model, or what is known of when its parts were last seen.

    Attributes:
        model: id of the kept model.
        base: digest of the record of the collection.
        digest: of the record of what they told; it names the one before.
        depth: how many records, this one included, tell everything since the collection.
        facts: how many facts the record holds.
        changes: what they do to the model, in counts such as ``servers_moved``.
        ignored: how many facts changed nothing, by reason (``older``, ``gone``, …).
        sizes: how much there is now, as in ``cluster-model.collected``.
    """

    TOPIC = "model-amendments.amended"
    model: UUID
    base: str
    digest: str
    depth: int
    facts: int
    changes: Counts
    ignored: Counts
    sizes: Counts


class AmendmentsClosed(Event):
    """A later collection shows what they told; what it cannot have seen is carried over to it.

    Attributes:
        digest: of the record of the later collection.
    """

    TOPIC = "model-amendments.closed"
    digest: str
