"""The aggregates of a trail: an audit with the plans of its runs, or another one alone."""

from uuid import UUID

from application.ports.event_log import ReadOnlyLog, RecordedEvent
from domain.audits.events import AuditRunRequested
from domain.kernel.ids import plan_id


def aggregates_of(log: ReadOnlyLog, subject: UUID) -> list[UUID]:
    """The ids of the aggregates whose events are the trail of a subject."""
    found = [subject]
    for entry in log.history(subject):
        event = entry.event if isinstance(entry, RecordedEvent) else None
        if isinstance(event, AuditRunRequested):
            plan = plan_id(subject, event.run_id)
            found += [plan] if log.history(plan, upto=1) else []
    return found
