"""The bases of aggregates and events, on top of the eventsourcing library.

Events are explicit classes with a stable ``TOPIC`` (never a module path) and live in the
``events.py`` of their slice. Their ``apply`` only assigns: it never decides and never fails.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self
from uuid import UUID

from eventsourcing.domain import AggregateCreated, AggregateEvent, BaseAggregate
from eventsourcing.utils import register_topic

from domain.kernel.metadata import Context, Metadata

JsonObject = dict[str, object]
"""Plain data that explains a reason or an intent: JSON values only."""


class Event(AggregateEvent):
    """Something that happened to an aggregate, and its provenance."""

    metadata: Metadata

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        topic = cls.__dict__.get("TOPIC")
        if topic is not None:
            register_topic(topic, cls)


class Created(Event, AggregateCreated):
    """The first event of an aggregate."""


class Aggregate(BaseAggregate[UUID]):
    """An aggregate that takes time and provenance from a context, never from the machine."""

    TOPIC: ClassVar[str]

    @classmethod
    def form(cls) -> type[Mapping[str, object]] | None:
        """The types of its attributes, as a TypedDict, if its stream may grow without end.

        The log may then keep what it remembers at some version, and fold on from there. Attributes
        whose names begin with ``_`` are the library's.
        """
        return None

    @classmethod
    def _born(cls, event: type[Created], ctx: Context, id: UUID, **facts: Any) -> Self:  # noqa: A002
        return cls._create(event, id=id, timestamp=ctx.at, metadata=ctx.metadata, **facts)

    def _record(self, event: type[Event], ctx: Context, **facts: Any) -> None:
        self.trigger_event(event, timestamp=ctx.at, metadata=ctx.metadata, **facts)
