from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.ports.projections import Tables
from application.ports.read_tables import ACTION_PLANS, ACTIONS, PLAN_SCHEMA
from application.projections import references, status_messages
from application.projections.event_dispatcher import EventDispatcher, Handler
from domain.kernel.aggregate import Event
from domain.plans.action import ENDED, IN_PROGRESS, ActionSpec, ActionState
from domain.plans.events import (
    ActionAcknowledged,
    ActionAdded,
    ActionAnnotated,
    ActionCancelled,
    ActionFailed,
    ActionFollowedUp,
    ActionIntended,
    ActionIsolated,
    ActionSkipped,
    ActionStepAcknowledged,
    ActionStepIntended,
    ActionSucceeded,
    ActionWithheld,
    PlanCancelled,
    PlanCancelRequested,
    PlanClaimed,
    PlanDeleted,
    PlanFailed,
    PlanHeld,
    PlanLaunched,
    PlanProposed,
    PlanReleased,
    PlanReturned,
    PlanReturnFailed,
    PlanReturnRequested,
    PlanState,
    PlanSucceeded,
    PlanSuperseded,
)
from domain.plans.reasons import ABORTED_BY_CANCEL
from domain.plans.returning import ReturnState

ACTIONS_PER_PLAN = 1_000_000
"""Numeric id of an action = position * this + place in the plan: creation order over all plans."""

_COUNTED = {
    ActionState.FAILED: "actions_failed",
    ActionState.CANCELLED: "actions_cancelled",
    ActionState.SKIPPED: "actions_skipped",
}
"""State of an ended action → the column that counts such actions."""


class PlansProjection(EventDispatcher):
    """Action plans and their actions. Queries take an action's deletion from its plan."""

    def __init__(self) -> None:
        super().__init__(
            PLAN_SCHEMA,
            {
                PlanProposed: self._proposed,
                PlanLaunched: self._launched,
                PlanClaimed: self._claimed,
                PlanHeld: self._held,
                PlanReleased: self._released,
                PlanCancelRequested: self._cancel_requested,
                PlanCancelled: _plan_end(PlanState.CANCELLED),
                PlanSuperseded: _plan_end(PlanState.SUPERSEDED),
                PlanSucceeded: _plan_end(PlanState.SUCCEEDED),
                PlanFailed: _plan_end(PlanState.FAILED),
                PlanDeleted: self._deleted,
                PlanReturnRequested: self._return_requested,
                PlanReturned: self._returned,
                PlanReturnFailed: self._return_failed,
                ActionAdded: self._action_added,
                ActionIntended: self._action_intended,
                ActionWithheld: self._action_withheld,
                ActionAcknowledged: _action_requested,
                ActionIsolated: _action_requested,
                ActionStepIntended: self._step_intended,
                ActionStepAcknowledged: _action_requested,
                ActionSucceeded: self._action_succeeded,
                ActionFailed: self._action_failed,
                ActionFollowedUp: _action_requested,
                ActionSkipped: self._action_skipped,
                ActionAnnotated: self._action_annotated,
                ActionCancelled: self._action_cancelled,
            },
        )

    # -- plans -----------------------------------------------------------------------------------

    def _proposed(self, recorded: RecordedEvent, event: PlanProposed, tables: Tables) -> None:
        named = references.strategy(event.strategy)
        notes = [str(note) for note in event.notes]
        tables.insert(
            ACTION_PLANS.name,
            {
                "id": recorded.position,
                "uuid": event.originator_id,
                "audit_uuid": event.audit_id,
                "run_id": event.run_id,
                "goal_name": event.goal,
                **named,
                "state": event.state,
                "efficacy_indicators": [asdict(one) for one in event.indicators],
                "global_efficacy": [asdict(one) for one in event.global_efficacy],
                "notes": notes,
                "record": event.record,
                "explanation": event.explanation,
                "owner": None,
                "hostname": None,
                "status_message": _remark(notes),
                "actions_total": len(event.actions),
                "actions_ended": 0,
                "actions_failed": 0,
                "actions_cancelled": 0,
                "actions_skipped": 0,
                "actions_ongoing": 0,
                "version": event.originator_version,
                "open_position": None,
                "undoes": event.undoes,
                "return_plan": None,
                "return_state": None,
                "return_message": None,
                "created_at": event.timestamp,
                "updated_at": None,
                "deleted_at": None,
            },
        )
        for place, spec in enumerate(event.actions):
            tables.insert(ACTIONS.name, _action(recorded, event.audit_id, place, spec))

    def _launched(self, recorded: RecordedEvent, event: PlanLaunched, tables: Tables) -> None:
        values = {"state": PlanState.PENDING, "open_position": recorded.position}
        _update_plan(event, tables, values)

    def _claimed(self, _: RecordedEvent, event: PlanClaimed, tables: Tables) -> None:
        values = {
            "state": event.state,
            "owner": event.owner,
            "hostname": event.host,
            "status_message": _message(event, tables),
        }
        _update_plan(event, tables, values)

    def _held(self, _: RecordedEvent, event: PlanHeld, tables: Tables) -> None:
        _update_plan(event, tables, {"status_message": status_messages.waits(event.because)})

    def _released(self, _: RecordedEvent, event: PlanReleased, tables: Tables) -> None:
        _update_plan(event, tables, {"status_message": _first_note(event, tables)})

    def _cancel_requested(
        self, _: RecordedEvent, event: PlanCancelRequested, tables: Tables
    ) -> None:
        _update_plan(event, tables, {"state": PlanState.CANCELLING})

    def _deleted(self, _: RecordedEvent, event: PlanDeleted, tables: Tables) -> None:
        values = {"state": PlanState.DELETED, "deleted_at": event.timestamp}
        _update_plan(event, tables, values)

    def _return_requested(
        self, _: RecordedEvent, event: PlanReturnRequested, tables: Tables
    ) -> None:
        values = {"return_plan": event.return_plan, "return_state": ReturnState.REQUESTED}
        _update_plan(event, tables, {**values, "return_message": None})

    def _returned(self, _: RecordedEvent, event: PlanReturned, tables: Tables) -> None:
        _update_plan(event, tables, {"return_state": ReturnState.MADE})

    def _return_failed(self, _: RecordedEvent, event: PlanReturnFailed, tables: Tables) -> None:
        values = {"return_state": ReturnState.FAILED, "return_message": str(event.because)}
        _update_plan(event, tables, values)

    # -- actions ---------------------------------------------------------------------------------

    def _action_added(self, recorded: RecordedEvent, event: ActionAdded, tables: Tables) -> None:
        plan = tables.get(ACTION_PLANS.name, event.originator_id)
        if plan is None:
            raise LookupError(f"There is no action plan {event.originator_id}.")
        tables.insert(ACTIONS.name, _action(recorded, plan["audit_uuid"], 0, event.spec))
        tables.add(ACTION_PLANS.name, event.originator_id, {"actions_total": 1})
        _update_version(event, tables)

    def _action_intended(
        self, recorded: RecordedEvent, event: ActionIntended, tables: Tables
    ) -> None:
        values: dict[str, Any] = {
            "state": ActionState.ONGOING,
            "attempt": event.attempt,
            "open_position": recorded.position,
        }
        if event.attempt == 1:
            values["started_at"] = event.timestamp
            tables.add(ACTION_PLANS.name, event.originator_id, {"actions_ongoing": 1})
        _update_action(event, event.action_id, tables, values)

    def _action_withheld(self, _: RecordedEvent, event: ActionWithheld, tables: Tables) -> None:
        values: dict[str, Any] = {
            "state": ActionState.PENDING,
            "attempt": 0,
            "open_position": None,
            "started_at": None,
        }
        tables.add(ACTION_PLANS.name, event.originator_id, {"actions_ongoing": -1})
        _update_action(event, event.action_id, tables, values)

    def _step_intended(self, _: RecordedEvent, event: ActionStepIntended, tables: Tables) -> None:
        _update_version(event, tables)
        if event.because is not None and event.because.reason == ABORTED_BY_CANCEL:
            values: dict[str, Any] = {"state": ActionState.CANCELLING}
            _update_action(event, event.action_id, tables, values)

    def _action_succeeded(self, _: RecordedEvent, event: ActionSucceeded, tables: Tables) -> None:
        values = {"state": ActionState.SUCCEEDED, "status_message": None}
        _end_action(event, event.action_id, ActionState.ONGOING, tables, values)

    def _action_failed(self, _: RecordedEvent, event: ActionFailed, tables: Tables) -> None:
        before = _state(event.action_id, tables)
        message = status_messages.failed(before, event.because)
        values = {"state": ActionState.FAILED, "status_message": message}
        _end_action(event, event.action_id, before, tables, values)

    def _action_skipped(self, _: RecordedEvent, event: ActionSkipped, tables: Tables) -> None:
        before = _state(event.action_id, tables)
        message = status_messages.skipped(event.because, event.note)
        values = {"state": ActionState.SKIPPED, "status_message": message}
        _end_action(event, event.action_id, before, tables, values)

    def _action_cancelled(self, _: RecordedEvent, event: ActionCancelled, tables: Tables) -> None:
        values = {
            "state": ActionState.CANCELLED,
            "status_message": status_messages.why(event.because),
        }
        _end_action(event, event.action_id, _state(event.action_id, tables), tables, values)

    def _action_annotated(self, _: RecordedEvent, event: ActionAnnotated, tables: Tables) -> None:
        message = status_messages.skipped_by_user(event.note)
        _update_action(event, event.action_id, tables, {"status_message": message})


def _update_plan(event: Event, tables: Tables, values: dict[str, Any]) -> None:
    values |= {"version": event.originator_version, "updated_at": event.timestamp}
    tables.update(ACTION_PLANS.name, event.originator_id, values)


def _action_requested(_: RecordedEvent, event: Any, tables: Tables) -> None:
    _update_version(event, tables)


def _update_version(event: Event, tables: Tables) -> None:
    version = {"version": event.originator_version}
    tables.update(ACTION_PLANS.name, event.originator_id, version)


def _update_action(event: Event, action: UUID, tables: Tables, values: dict[str, Any]) -> None:
    values["updated_at"] = event.timestamp
    tables.update(ACTIONS.name, action, values)
    _update_version(event, tables)


def _end_action(
    event: Event, action: UUID, before: str, tables: Tables, values: dict[str, Any]
) -> None:
    values |= {"open_position": None, "ended_at": event.timestamp}
    _update_action(event, action, tables, values)
    if before not in ENDED:
        ongoing = 1 if before in IN_PROGRESS else 0
        amounts = {"actions_ended": 1, "actions_ongoing": -ongoing}
        if (counted := _COUNTED.get(values["state"])) is not None:
            amounts[counted] = 1
        tables.add(ACTION_PLANS.name, event.originator_id, amounts)


def _plan_end(state: PlanState) -> Handler:
    def handle(_: RecordedEvent, event: Any, tables: Tables) -> None:
        values = {"state": state, "owner": None, "open_position": None}
        _update_plan(event, tables, values | {"status_message": _message(event, tables)})

    return handle


def _message(event: Any, tables: Tables) -> str | None:
    """The reason of an event of a plan; without one, the plan's first note."""
    if event.because is not None:
        return status_messages.why(event.because)
    return _first_note(event, tables)


def _first_note(event: Event, tables: Tables) -> str | None:
    row = tables.get(ACTION_PLANS.name, event.originator_id)
    return None if row is None else _remark(row["notes"])


def _remark(notes: Sequence[str]) -> str | None:
    return status_messages.cut(notes[0]) if notes else None


def _state(action: UUID, tables: Tables) -> str:
    row = tables.get(ACTIONS.name, action)
    if row is None:
        raise LookupError(f"There is no action {action}.")
    return str(row["state"])


def _action(recorded: RecordedEvent, audit: UUID, place: int, spec: ActionSpec) -> dict[str, Any]:
    return {
        "id": recorded.position * ACTIONS_PER_PLAN + place,
        "uuid": spec.id,
        "action_plan_uuid": recorded.event.originator_id,
        "audit_uuid": audit,
        "action_type": spec.type,
        "state": ActionState.PENDING,
        "parents": [str(parent) for parent in spec.parents],
        "input_parameters": spec.parameters,
        "resource_key": _key(spec, "resource_id"),
        "resource_name_key": _key(spec, "resource_name"),
        "source_key": _key(spec, "source_node"),
        "destination_key": _key(spec, "destination_node"),
        "because": str(spec.because),
        "status_message": None,
        "attempt": 0,
        "size": spec.size,
        "groups": list(spec.groups),
        "open_position": None,
        "started_at": None,
        "ended_at": None,
        "created_at": recorded.event.timestamp,
        "updated_at": None,
    }


def _key(spec: ActionSpec, parameter: str) -> str | None:
    value = spec.parameters.get(parameter)
    return value.casefold() if isinstance(value, str) and value else None
