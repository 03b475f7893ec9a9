from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import TIMELINE, TIMELINE_SCHEMA
from application.projections.sentences import sentence


class TimelineProjection:
    """Every event of the log, as a sentence with its provenance."""

    schema = TIMELINE_SCHEMA
    topics: frozenset[str] | None = None

    def handle(self, recorded: RecordedEvent, tables: Tables) -> None:
        """Takes in one event."""
        event = recorded.event
        metadata = event.metadata
        tables.insert(
            TIMELINE.name,
            {
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
            },
        )
