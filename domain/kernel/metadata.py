"""The provenance of events: the actor, the request and the event that caused them."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """The kinds of actors."""

    USER = "user"
    COMPONENT = "component"


@dataclass(frozen=True)
class Actor:
    """A user or a component of Vigil that causes events.

    Attributes:
        kind: user or component.
        id: the user's id in the identity service, or the component's instance id.
        name: the name shown to operators.
        project: id of the user's project, if any.
    """

    kind: ActorKind
    id: str
    name: str
    project: str | None = None


@dataclass(frozen=True)
class Metadata:
    """The provenance of an event.

    Attributes:
        actor: the user or component that caused it.
        request_id: id of the HTTP request (``req-…``), if any.
        correlation_id: id of the audit run that the event belongs to.
        causation: log position of the event that caused this one, if any.
    """

    actor: Actor
    request_id: str | None = None
    correlation_id: UUID | None = None
    causation: int | None = None


@dataclass(frozen=True)
class Context:
    """The inputs of a decision from outside: the time (UTC) and the provenance."""

    at: datetime
    metadata: Metadata

    def correlated(self, correlation_id: UUID) -> "Context":
        """The same context with a correlation id."""
        return replace(self, metadata=replace(self.metadata, correlation_id=correlation_id))


def component(name: str, instance: str = "") -> Actor:
    """A component of Vigil as an actor."""
    return Actor(ActorKind.COMPONENT, instance or name, name)
