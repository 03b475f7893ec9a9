from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from application.ports.event_log import RecordedEvent
from application.ports.projections import Row, Tables
from application.ports.read_tables import AUDIT_SCHEMA, AUDITS
from application.projections import references
from application.projections.event_dispatcher import EventDispatcher, Handler
from application.projections.status_messages import why
from domain.audits.definition import AuditType
from domain.audits.events import (
    AuditCancelled,
    AuditChanged,
    AuditDeleted,
    AuditExpired,
    AuditInputsRecorded,
    AuditRequested,
    AuditResumed,
    AuditRunClaimed,
    AuditRunDeferred,
    AuditRunFailed,
    AuditRunRequested,
    AuditRunSucceeded,
    AuditState,
    AuditStateSet,
    AuditSuspended,
    RunCause,
)
from domain.audits.schedule import Cron, upcoming
from domain.kernel.aggregate import Event
from domain.kernel.reasons import Cause

_NO_RUN: dict[str, Any] = {
    "run_id": None,
    "run_due": None,
    "run_owner": None,
    "run_not_before": None,
    "run_position": None,
}
_SCHEDULED = frozenset({AuditState.PENDING, AuditState.ONGOING})
"""States in which a continuous audit has a next run."""
_TIMING = frozenset({"interval", "start_time", "end_time"})
"""Attributes that change the time of the next run."""


class AuditsProjection(EventDispatcher):
    """Audits, each with its open run and the columns of the scheduler.

    ``updated_at`` changes only with what the API shows, so not when the run of a one-shot audit is
    requested.

    Args:
        cron: evaluates cron expressions; raises InvalidValue for an invalid one.
    """

    def __init__(self, cron: Cron) -> None:
        self._cron = cron
        super().__init__(
            AUDIT_SCHEMA,
            {
                AuditRequested: self._requested,
                AuditRunRequested: self._run_requested,
                AuditRunClaimed: self._run_claimed,
                AuditInputsRecorded: self._inputs_recorded,
                AuditRunDeferred: self._run_deferred,
                AuditRunSucceeded: self._run_succeeded,
                AuditRunFailed: self._run_failed,
                AuditCancelled: _end(AuditState.CANCELLED),
                AuditSuspended: _end(AuditState.SUSPENDED),
                AuditResumed: self._resumed,
                AuditStateSet: self._state_set,
                AuditExpired: _end(AuditState.SUCCEEDED),
                AuditChanged: self._changed,
                AuditDeleted: self._deleted,
            },
        )

    def _requested(self, recorded: RecordedEvent, event: AuditRequested, tables: Tables) -> None:
        row: dict[str, Any] = {
            "id": recorded.position,
            "uuid": event.originator_id,
            "name": event.name,
            "name_key": event.name.casefold(),
            "audit_type": event.audit_type,
            "state": AuditState.PENDING,
            **references.goal(event.goal),
            **references.strategy(event.strategy),
            "interval": event.interval,
            "scope": event.scope,
            "parameters": event.parameters,
            "auto_trigger": event.auto_trigger,
            "force": event.force,
            "next_run_time": None,
            "start_time": event.start_time,
            "end_time": event.end_time,
            "hostname": None,
            "status_message": None,
            "version": event.originator_version,
            "last_due": None,
            **_NO_RUN,
            "created_at": event.timestamp,
            "updated_at": None,
            "deleted_at": None,
        }
        row["next_run_time"] = self._next(row, event.timestamp)
        tables.insert(AUDITS.name, row)

    def _run_requested(
        self, recorded: RecordedEvent, event: AuditRunRequested, tables: Tables
    ) -> None:
        values: dict[str, Any] = {
            "run_id": event.run_id,
            "run_due": event.due,
            "run_owner": None,
            "run_not_before": None,
            "run_position": recorded.position,
            "last_due": event.due,
        }
        if event.cause is RunCause.SCHEDULE:
            self._reschedule(event, tables, values)
        else:
            _update_hidden(event, tables, values)

    def _run_claimed(self, _: RecordedEvent, event: AuditRunClaimed, tables: Tables) -> None:
        values = {
            "state": AuditState.ONGOING,
            "hostname": event.host,
            "run_owner": event.owner,
            "run_not_before": None,
            "status_message": why(event.because),
        }
        _update(event, tables, values)

    def _inputs_recorded(
        self, _: RecordedEvent, event: AuditInputsRecorded, tables: Tables
    ) -> None:
        _update_hidden(event, tables, {})

    def _run_deferred(self, _: RecordedEvent, event: AuditRunDeferred, tables: Tables) -> None:
        values = {
            "run_owner": None,
            "run_not_before": event.not_before,
            "status_message": why(event.because),
        }
        _update(event, tables, values)

    def _run_succeeded(self, _: RecordedEvent, event: AuditRunSucceeded, tables: Tables) -> None:
        _update(event, tables, {"state": event.state, "status_message": None, **_NO_RUN})

    def _run_failed(self, _: RecordedEvent, event: AuditRunFailed, tables: Tables) -> None:
        values = {"state": event.state, "status_message": why(event.because), **_NO_RUN}
        _update(event, tables, values)

    def _resumed(self, _: RecordedEvent, event: AuditResumed, tables: Tables) -> None:
        values: dict[str, Any] = {"state": AuditState.ONGOING, "status_message": None}
        self._reschedule(event, tables, values)

    def _state_set(self, _: RecordedEvent, event: AuditStateSet, tables: Tables) -> None:
        if event.state is AuditState.ONGOING:
            values: dict[str, Any] = {"state": event.state, "status_message": why(event.because)}
            self._reschedule(event, tables, values)
        else:
            _update(event, tables, _closed(event.state, event.because))

    def _changed(self, _: RecordedEvent, event: AuditChanged, tables: Tables) -> None:
        values = _columns(event.changes)
        if _TIMING.isdisjoint(values):
            _update(event, tables, values)
        else:
            self._reschedule(event, tables, values)

    def _deleted(self, _: RecordedEvent, event: AuditDeleted, tables: Tables) -> None:
        values = _closed(AuditState.DELETED, None) | {"deleted_at": event.timestamp}
        del values["status_message"]  # the last message is kept
        _update(event, tables, values)

    # -- time of the next run ---------------------------------------------------------------------

    def _reschedule(self, event: Event, tables: Tables, values: dict[str, Any]) -> None:
        row = tables.get(AUDITS.name, event.originator_id)
        if row is not None:
            values["next_run_time"] = self._next({**row, **values}, event.timestamp)
        _update(event, tables, values)

    def _next(self, row: Row, now: datetime) -> datetime | None:
        if row["audit_type"] != AuditType.CONTINUOUS or row["state"] not in _SCHEDULED:
            return None
        return upcoming(
            row["interval"],
            row["last_due"],
            now,
            self._cron,
            made=row["created_at"],
            start=row["start_time"],
            end=row["end_time"],
        )


def _update(event: Event, tables: Tables, values: dict[str, Any]) -> None:
    values["updated_at"] = event.timestamp
    _update_hidden(event, tables, values)


def _update_hidden(event: Event, tables: Tables, values: dict[str, Any]) -> None:
    values["version"] = event.originator_version
    tables.update(AUDITS.name, event.originator_id, values)


def _closed(state: AuditState, because: Cause | None) -> dict[str, Any]:
    return {"state": state, "status_message": why(because), "next_run_time": None, **_NO_RUN}


def _end(state: AuditState) -> Handler:
    def handle(_: RecordedEvent, event: Any, tables: Tables) -> None:
        _update(event, tables, _closed(state, getattr(event, "because", None)))

    return handle


def _columns(changes: Mapping[str, object]) -> dict[str, Any]:
    values: dict[str, Any] = dict(changes)
    for name in ("start_time", "end_time"):
        if isinstance(values.get(name), str):
            moment = datetime.fromisoformat(values[name])
            values[name] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if "name" in values:
        values["name_key"] = values["name"].casefold()
    return values
