"""Vigil's own: what happened, as the event log tells it."""

from uuid import UUID

import msgspec

from application.ports.read_models import TimelineView
from interfaces.rest.schemas.common import stamp


class EventDocument(msgspec.Struct, kw_only=True):
    """One event.

    Attributes:
        position: its place in the log; grows, may have holes.
        type: stable name of what happened.
        aggregate_id, version: what it happened to, and its place in that thing's history.
        correlation_id: ties together what was done for one audit run.
        caused_by: position of the event that caused it.
        summary: a sentence.
    """

    position: int
    at: str
    type: str
    aggregate_id: UUID
    version: int
    actor: str
    actor_kind: str
    request_id: str | None
    correlation_id: UUID | None
    caused_by: int | None
    summary: str


def event(view: TimelineView) -> EventDocument:
    """An event as the API shows it."""
    return EventDocument(
        position=view.position,
        at=stamp(view.at) or "",
        type=view.topic,
        aggregate_id=view.aggregate_id,
        version=view.version,
        actor=view.actor,
        actor_kind=view.actor_kind,
        request_id=view.request_id,
        correlation_id=view.correlation_id,
        caused_by=view.causation,
        summary=view.summary,
    )
