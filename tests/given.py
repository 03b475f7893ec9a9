"""Given events, when a command, then events: the shape of an aggregate's tests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.kernel.aggregate import Aggregate, Event
from domain.kernel.metadata import Actor, ActorKind, Context, Metadata

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ADMIN = Actor(ActorKind.USER, "u-1", "admin", "p-1")


def context(seconds: float = 0) -> Context:
    """A context some seconds after noon."""
    return Context(NOON + timedelta(seconds=seconds), Metadata(ADMIN, "req-1"))


def happened(aggregate: Aggregate) -> list[str]:
    """The topics of what was decided since the last call, in order."""
    return [getattr(type(event), "TOPIC", "?") for event in aggregate.collect_events()]


def replayed(events: list[Event]) -> Aggregate:
    """The aggregate that some events fold to."""
    state: Aggregate | None = None
    for event in events:
        state = event.mutate(state)
    if state is None:
        raise AssertionError("no events")
    return state


def ident(number: int) -> UUID:
    """A recognisable id."""
    return UUID(int=number)
