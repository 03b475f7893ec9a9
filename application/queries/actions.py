from dataclasses import replace
from uuid import UUID

from application.ports.event_log import MalformedEntry, ReadOnlyLog
from application.ports.read_models import ActionView, Page, ReadModels, TimelineView
from application.projections.timeline import timeline_row
from domain.plans.events import PlanDeleted, PlanProposed

_ALL_ACTIONS = (PlanProposed.TOPIC, PlanDeleted.TOPIC)
"""Plan events that create or delete every action of the plan."""


def action_events(
    log: ReadOnlyLog, plan: UUID, action: UUID, *, after: int, limit: int
) -> list[TimelineView]:
    """The events of a plan that concern one of its actions, oldest first.

    Args:
        log: the event log.
        plan: the plan that contains the action.
        action: the action.
        after: log position; only later events are returned.
        limit: maximum number of events.
    """
    found: list[TimelineView] = []
    for entry in log.history(plan):
        if len(found) == limit:
            break
        if isinstance(entry, MalformedEntry) or entry.position <= after:
            continue
        if entry.topic in _ALL_ACTIONS or getattr(entry.event, "action_id", None) == action:
            found.append(TimelineView(**timeline_row(entry)))
    return found


def actions_of_plan(
    reads: ReadModels, plan: UUID, *, show_deleted: bool = False
) -> list[ActionView]:
    """All actions of a plan, in plan order."""
    found: list[ActionView] = []
    page = Page(show_deleted=show_deleted)
    while rows := reads.actions(page, {"action_plan_uuid": str(plan)}):
        found += rows
        if len(rows) < page.limit:
            break
        page = replace(page, marker=str(rows[-1].uuid))
    return found
