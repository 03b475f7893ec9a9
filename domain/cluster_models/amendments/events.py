"""The events of amendments to a collected model by notifications."""

from datetime import datetime
from uuid import UUID

from domain.cluster_models.events import Counts
from domain.kernel.aggregate import Created, Event


class AmendmentsOpened(Created):
    """The first notification since a collection arrived.

    Attributes:
        model: id of the ``ClusterModel``.
        base: digest of the record of the collection.
        since: latest time at which the collection can have begun.
        sizes: of the collection, as in ``cluster-model.collected``.
    """

    TOPIC = "model-amendments.opened"
    model: UUID
    base: str
    since: datetime
    sizes: Counts


class ModelAmended(Event):
    """A batch of notifications was applied to the model.

    Attributes:
        model: id of the ``ClusterModel``.
        base: digest of the record of the collection.
        digest: of the record of the facts; it holds the digest of the previous record.
        depth: number of records, including this one, that hold all facts since the collection.
        facts: number of facts in the record.
        changes: effects on the model, in counts such as ``servers_moved``.
        ignored: number of ignored facts by reason (``older``, ``gone``, …).
        sizes: of the amended model, as in ``cluster-model.collected``.
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
    """A later collection replaced the amended one; facts that it may not have seen carry over.

    Attributes:
        digest: of the record of the later collection.
    """

    TOPIC = "model-amendments.closed"
    digest: str
