from typing import Any

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import TIMELINE, TIMELINE_SCHEMA
from application.projections.sentences import sentence


class TimelineProjection:
    """All events of the log, each with its sentence and provenance."""

    schema = TIMELINE_SCHEMA
    topics: frozenset[str] | None = None

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        """Inserts the row of an event."""
        tables.insert(TIMELINE.name, timeline_row(recorded))


def timeline_row(recorded: RecordedEvent) -> dict[str, Any]:
    """The row of an event: the fields of ``TimelineView``."""
    event = recorded.event
    metadata = event.metadata
    return {
        "position": recorded.position,
        "at": event.timestamp,
        "topic": recorded.topic,
        "aggregate_id": event.originator_id,
        "version": event.originator_version,
        "actor": metadata.actor.name,
        "actor_kind": metadata.actor.kind,
        "request_id": metadata.request_id,
        "correlation_id": metadata.correlation_id,
        "causation": metadata.causation,
        "summary": sentence(recorded.topic, event),
    }
