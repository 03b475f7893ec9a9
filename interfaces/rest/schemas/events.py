"""Events of the log."""

from uuid import UUID

import msgspec

from application.ports.read_models import TimelineView
from interfaces.rest.schemas.common import document


class EventDocument(msgspec.Struct, kw_only=True):
    """One event.

    Attributes:
        position: its place in the log; grows, may have holes.
        type: stable name of what happened.
        aggregate_id, version: the object that it changed, and its number in that object's history.
        correlation_id: ties together what was done for one audit run.
        caused_by: position of the event that caused it.
        summary: a sentence.
    """

    position: int
    at: str
    topic: str = msgspec.field(name="type")
    aggregate_id: UUID
    version: int
    actor: str
    actor_kind: str
    request_id: str | None
    correlation_id: UUID | None
    causation: int | None = msgspec.field(name="caused_by")
    summary: str


def event(view: TimelineView) -> EventDocument:
    """The document of an event."""
    return document(EventDocument, view)
