"""The events of a kept cluster model. That nothing changed is no event: freshness is a row."""

from typing import Any, ClassVar
from uuid import UUID

from domain.kernel.aggregate import Created, Event
from domain.kernel.reasons import Cause

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


class ClusterModelAmending(Event):
    """Notifications began to amend what was collected last.

    Attributes:
        amendments: id of the ``ModelAmendments`` that hold what they tell.
    """

    TOPIC = "cluster-model.amending"
    amendments: UUID


class ClusterModelCollectionFailed(Event):
    """The cloud could not be read (whole); the model that was kept is growing stale."""

    TOPIC = "cluster-model.collection-failed"
    because: Cause


class ClusterModelRecovered(Event):
    """The cloud can be read again, and shows what it showed before."""

    TOPIC = "cluster-model.recovered"
