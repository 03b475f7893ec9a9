"""The past in the simplest way: reads the whole history and folds it up to the moment."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from application.ports.event_log import Entry, MalformedEntry, Moment, ReadOnlyLog
from application.ports.read_models import ActionPlanView, ActionView, AuditView
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS
from application.projections.audits import AuditsProjection
from application.projections.plans import PlansProjection
from application.replay.aggregate_fold import AggregateRows
from application.replay.aggregate_history import NoSuchMoment
from domain.audits import Audit
from domain.kernel.aggregate import Aggregate
from domain.plans.action import ActionState
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState
from infrastructure.cron import next_match

View = AuditView | ActionPlanView | ActionView


def audit_then(log: ReadOnlyLog, uuid: UUID, moment: Moment) -> tuple[View, int]:
    """An audit as it was, and the position of the last event that it had seen."""
    seen = _until(log.history(uuid), moment)
    audit = _state(seen)
    assert isinstance(audit, Audit)
    values = _rows(seen, AuditsProjection(next_match)).row(AUDITS.name, uuid)
    known = {**values, "state": audit.state}
    return AuditView(**{one.name: known[one.name] for one in fields(AuditView)}), seen[-1].position


def plan_then(log: ReadOnlyLog, uuid: UUID, moment: Moment) -> tuple[View, int]:
    """An action plan as it was, and the position of the last event that it had seen."""
    seen = _until(log.history(uuid), moment)
    plan = _state(seen)
    assert isinstance(plan, ActionPlan)
    audit = _until(log.history(plan.audit_id), moment)
    known = {
        **_rows(seen, PlansProjection()).row(ACTION_PLANS.name, uuid),
        "state": plan.state,
        "audit_deleted": any(entry.topic == "audit.deleted" for entry in audit),
    }
    names = [one.name for one in fields(ActionPlanView)]
    return ActionPlanView(**{name: known[name] for name in names}), seen[-1].position


def action_then(log: ReadOnlyLog, plan_id: UUID, uuid: UUID, moment: Moment) -> tuple[View, int]:
    """An action as it was, and the position of the last event that its plan had seen."""
    seen = _until(log.history(plan_id), moment)
    plan = _state(seen)
    assert isinstance(plan, ActionPlan)
    rows = _rows(seen, PlansProjection())
    deleted = plan.state is PlanState.DELETED
    known = {
        **rows.row(ACTIONS.name, uuid),
        "state": ActionState.DELETED if deleted else plan.actions[uuid].state,
        "deleted_at": rows.row(ACTION_PLANS.name, plan_id)["deleted_at"],
        "description": "",
    }
    return ActionView(**{one.name: known[one.name] for one in fields(ActionView)}), seen[
        -1
    ].position


def _until(entries: list[Entry], moment: Moment) -> list[Entry]:
    if isinstance(moment, datetime):
        told = [place for place, one in enumerate(entries, 1) if _by(one, moment)]
        return entries[: max(told, default=0)]
    return [entry for entry in entries if entry.position <= moment]


def _by(entry: Entry, moment: datetime) -> bool:
    return not isinstance(entry, MalformedEntry) and entry.event.timestamp <= moment


def _state(seen: list[Entry]) -> Aggregate:
    state: Aggregate | None = None
    for entry in seen:
        if isinstance(entry, MalformedEntry):
            raise NoSuchMoment(
                f"version {entry.version} of {entry.aggregate_id} cannot be read: {entry.error}; "
                f"earlier versions can be shown"
            )
        state = entry.event.mutate(state)
    if state is None:
        raise NoSuchMoment("it did not exist")
    return state


def _rows(seen: list[Entry], projection: AuditsProjection | PlansProjection) -> AggregateRows:
    rows = AggregateRows()
    for entry in seen:
        if not isinstance(entry, MalformedEntry) and entry.topic in (projection.topics or ()):
            projection.handle(entry, rows)
    return rows
