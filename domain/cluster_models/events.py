"""The events of a collected model.

A collection that changes nothing appends no event; its time is stored in a row of the database.
"""

from typing import Any, ClassVar
from uuid import UUID

from domain.kernel.aggregate import Created, Event
from domain.kernel.reasons import Cause

Counts = dict[str, int]
"""Counts by name: ``hosts`` → 3, ``servers_moved`` → 2."""


class ClusterModelOpened(Created):
    """The first collection of a cloud's model began.

    Attributes:
        cloud: its name in the settings.
        kind: ``compute``, ``storage`` or ``baremetal``.
    """

    TOPIC = "cluster-model.opened"
    cloud: str
    kind: str


class ClusterModelCollected(Event):
    """A complete collection differs from the previous one.

    Version 1 was for compute models only, with the fields ``hosts`` and ``servers``.

    Attributes:
        digest: of the record of the model.
        sizes: numbers of ``hosts`` and ``servers`` (including those on no host); of ``backends``,
            ``pools`` and ``volumes`` (including those in no pool); of ``machines``.
        calls: number of requests.
        seconds: from the first request until the model was built.
        quarantined: the first of the records that could not be used, and of other problems.
        quarantined_count: number of all problems.
        changes: since the previous model, in counts such as ``servers_moved``; None if that
            model could not be read any more.
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
        """Sizes became counts by name; the names in ``changes`` are the same."""
        state["sizes"] = {"hosts": state.pop("hosts"), "servers": state.pop("servers")}


class ClusterModelAmending(Event):
    """Notifications began to amend the last collection.

    Attributes:
        amendments: id of the ``ModelAmendments``.
    """

    TOPIC = "cluster-model.amending"
    amendments: UUID


class ClusterModelCollectionFailed(Event):
    """The cloud could not be read completely; the last model is not updated.

    Attributes:
        kind: of the model; empty in events of version 1.
    """

    TOPIC = "cluster-model.collection-failed"
    class_version: ClassVar[int] = 2
    because: Cause
    kind: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """The timeline did not name the model."""
        state["kind"] = ""


class ClusterModelRecovered(Event):
    """The cloud can be read again, and its model has not changed.

    Attributes:
        kind: of the model; empty in events of version 1.
    """

    TOPIC = "cluster-model.recovered"
    class_version: ClassVar[int] = 2
    kind: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """The timeline did not name the model."""
        state["kind"] = ""
