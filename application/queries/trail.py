"""What happened to an action: it lives inside its plan, whose events name it."""

from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry
from application.ports.read_models import TimelineView
from application.replay.history import ReadOnlyLog
from application.replay.timeline import moment
from domain.plans.events import PlanDeleted, PlanProposed

WHOLE = (PlanProposed.TOPIC, PlanDeleted.TOPIC)
"""Events of a plan that bring each of its actions into the world and out of it."""


def of_action(
    log: ReadOnlyLog, plan: UUID, action: UUID, *, after: int, limit: int
) -> list[TimelineView]:
    """Its events behind a position, oldest first; quarantined ones are not among them."""
    found: list[TimelineView] = []
    for entry in log.history(plan):
        if entry.position > after and _concerns(entry, action):
            found.append(_shown(entry))
        if len(found) == limit:
            break
    return found


def _concerns(entry: Entry, action: UUID) -> bool:
    if isinstance(entry, MalformedEntry):
        return False
    return entry.topic in WHOLE or getattr(entry.event, "action_id", None) == action


def _shown(entry: Entry) -> TimelineView:
    seen = moment(entry)
    if seen.at is None:
        raise ValueError(f"the event at position {entry.position} cannot be read")
    return TimelineView(
        position=seen.position,
        at=seen.at,
        topic=seen.topic,
        aggregate_id=seen.aggregate_id,
        version=seen.version,
        actor=seen.who,
        actor_kind=seen.who_kind,
        request_id=seen.request_id,
        correlation_id=seen.correlation_id,
        causation=seen.causation,
        summary=seen.what,
    )
