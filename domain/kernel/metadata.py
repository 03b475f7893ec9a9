"""Who did it, at whose request, and because of what: carried by every event."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of party an actor is."""

    USER = "user"
    COMPONENT = "component"


@dataclass(frozen=True)
class Actor:
    """A party that acts: a person's account or one of Vigil's own components.

    Attributes:
        kind: user or component.
        id: the user's id in the identity service, or the component's instance id.
        name: what to call it in a sentence.
        project: id of the project a user acted in, if any.
    """

    kind: ActorKind
    id: str
    name: str
    project: str | None = None


@dataclass(frozen=True)
class Metadata:
    """The provenance of an event.

    Attributes:
        actor: who caused it.
        request_id: the HTTP request (``req-…``) it answers, if any.
        correlation_id: ties together all that is done for one audit run (the run's id).
        causation: log position of the event that caused this one, if any.
    """

    actor: Actor
    request_id: str | None = None
    correlation_id: UUID | None = None
    causation: int | None = None


@dataclass(frozen=True)
class Context:
    """What a decision needs to know of the outside: the time (UTC) and its provenance."""

    at: datetime
    metadata: Metadata

    def correlated(self, correlation_id: UUID) -> "Context":
        """The same context, tied to a correlation id."""
        return replace(self, metadata=replace(self.metadata, correlation_id=correlation_id))


def component(name: str, instance: str = "") -> Actor:
    """One of Vigil's own components as an actor."""
    return Actor(ActorKind.COMPONENT, instance or name, name)
