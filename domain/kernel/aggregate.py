"""The bases of aggregates and events, on top of the eventsourcing library.

An aggregate's methods decide: they check the rules and trigger an event, or refuse. Events are
plain values with a stable ``TOPIC`` (never a module path), in the ``events.py`` of their package.
The only code that changes the state of an aggregate are its ``@evolves`` methods, one per event:
they assign, never decide and never fail, for new events as for events of the log.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, get_args, get_type_hints
from uuid import UUID

from eventsourcing.domain import AggregateCreated, AggregateEvent, BaseAggregate
from eventsourcing.utils import register_topic

from domain.kernel.metadata import Context, Metadata

JsonObject = dict[str, object]
"""Plain data that explains a reason or an intent: JSON values only."""

Evolve = TypeVar("Evolve", bound=Callable[..., None])


class Event(AggregateEvent):
    """Something that happened to an aggregate, and its provenance.

    Attributes:
        ENDS: whether it ends what the aggregate stands for, and how: the log of the process that
            appends it has a line.
    """

    ENDS: ClassVar[bool] = False
    metadata: Metadata

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        topic = cls.__dict__.get("TOPIC")
        if topic is not None:
            register_topic(topic, cls)

    def mutate(self, aggregate: Any) -> Any:
        """Changes an aggregate as the library does, in half the time: histories are long."""
        if (
            aggregate is None
            or self.originator_id != aggregate._id  # noqa: SLF001
            or self.originator_version != aggregate._version + 1  # noqa: SLF001
        ):
            return super().mutate(aggregate)  # which says what is wrong
        aggregate.evolvers[type(self)](aggregate, self)
        state = aggregate.__dict__
        state["_version"], state["_modified_on"] = self.originator_version, self.timestamp
        return aggregate

    def apply(self, aggregate: "Aggregate") -> None:
        """Changes the state of an aggregate; called by the library's ``mutate``."""
        aggregate.evolvers[type(self)](aggregate, self)


class Created(Event, AggregateCreated):
    """The first event of an aggregate.

    Attributes of the aggregate that have the name of one of its fields get that field's value.
    """

    def mutate(self, aggregate: Any) -> Any:
        """Creates the aggregate.

        Raises:
            ValueError: it exists already.
        """
        if aggregate is not None:
            raise ValueError(f"version {self.originator_version} creates the aggregate again")
        return super().mutate(aggregate)

    def apply(self, aggregate: "Aggregate") -> None:
        """Changes what is not a copy of a field, if there is such."""
        evolve = aggregate.evolvers.get(type(self))
        if evolve is not None:
            evolve(aggregate, self)


def evolves(method: Evolve) -> Evolve:
    """Marks the method that assigns what an event changes.

    The annotation of its parameter is the class of the event, or a union of classes.
    """
    (annotation,) = (hint for name, hint in get_type_hints(method).items() if name != "return")
    vars(method)["evolves"] = get_args(annotation) or (annotation,)
    return method


class Aggregate(BaseAggregate[UUID]):
    """An aggregate. Time and provenance of its events come from a context, never from the machine.

    Subclasses annotate their attributes in the class body; the library makes dataclasses of them.

    Attributes:
        SNAPSHOTS: whether its stream may grow without limit, so that the event log stores snapshots
            of the annotated attributes and reads only the later events.
        evolvers: class of an event → the method that assigns what it changes.
    """

    TOPIC: ClassVar[str]
    SNAPSHOTS: ClassVar[bool] = False
    evolvers: ClassVar[dict[type[Event], Callable[[Any, Any], None]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.evolvers = {
            event: method
            for base in reversed(cls.__mro__)
            for method in vars(base).values()
            for event in getattr(method, "evolves", ())
        }

    @classmethod
    def _new(cls, event: type[Created], ctx: Context, id: UUID, **facts: Any) -> Self:  # noqa: A002
        return cls._create(event, id=id, timestamp=ctx.at, metadata=ctx.metadata, **facts)

    def _trigger(self, event: type[Event], ctx: Context, **facts: Any) -> None:
        self.trigger_event(event, timestamp=ctx.at, metadata=ctx.metadata, **facts)
