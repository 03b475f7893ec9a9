"""Audits, plans and actions as they were: their events up to a moment, folded again.

What happened is told by the domain's own fold (``application/replay``); how the API shows it, by
the projection that fills the live tables. So the past looks as it looked then.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from application.errors import NothingThen, Unavailable
from application.ports.clock import Clock
from application.ports.event_log import Entry, Malformed
from application.ports.projections import Projection, Row
from application.ports.read_models import ActionPlanView, ActionView, AuditView, ReadModels
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS
from application.projections.audits import AuditsProjection
from application.projections.plans import PlansProjection
from application.replay.history import History
from application.replay.travel import NoSuchMoment, state_at
from domain.audits import Audit
from domain.audits.schedule import Cron
from domain.kernel.aggregate import Root
from domain.plans.action import ActionState
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState

Moment = int | datetime
"""A log position, or a time (aware)."""

V = TypeVar("V")
A = TypeVar("A", bound=Root)


class Past:
    """Answers what single things were.

    Args:
        log: their events.
        read: what does not change is looked up there (descriptions of action types).
        cron: evaluates cron expressions.
        clock: tells what is the past.
    """

    def __init__(self, log: History, read: ReadModels, cron: Cron, clock: Clock) -> None:
        self._log = log
        self._read = read
        self._clock = clock
        self._audits = AuditsProjection(cron)
        self._plans = PlansProjection()

    def check(self, moment: Moment) -> None:
        """Refuses moments that have not been yet.

        Raises:
            NothingThen: it lies beyond the end of the log, or in the future.
        """
        if isinstance(moment, datetime):
            if moment > self._clock.now():
                raise NothingThen(f"{moment.isoformat()} is in the future.")
        elif moment > (end := self._log.end()):
            raise NothingThen(f"The log ends at position {end}, there is no position {moment} yet.")

    def audit(self, uuid: UUID, moment: Moment) -> tuple[AuditView, int]:
        """An audit as it was, and the position of the last event that it had seen.

        Raises:
            NothingThen: there was none.
            Unavailable: its history cannot be read that far.
        """
        audit, position, tables = self._folded(uuid, moment, Audit, self._audits)
        return _view(AuditView, tables.row(AUDITS.name, uuid), state=audit.state), position

    def action_plan(self, uuid: UUID, moment: Moment) -> tuple[ActionPlanView, int]:
        """An action plan as it was, and the position of the last event that it had seen.

        Raises:
            NothingThen: there was none.
            Unavailable: its history cannot be read that far.
        """
        plan, position, tables = self._folded(uuid, moment, ActionPlan, self._plans)
        row = tables.row(ACTION_PLANS.name, uuid)
        gone = self._audit_deleted(plan.audit_id, moment)
        return _view(ActionPlanView, row, state=plan.state, audit_deleted=gone), position

    def action(self, plan: UUID, uuid: UUID, moment: Moment) -> tuple[ActionView, int]:
        """An action as it was, and the position of the last event that its plan had seen.

        Raises:
            NothingThen: there was none.
            Unavailable: its history cannot be read that far.
        """
        owner, position, tables = self._folded(plan, moment, ActionPlan, self._plans)
        row = tables.row(ACTIONS.name, uuid)
        deleted = owner.state is PlanState.DELETED
        state = ActionState.DELETED if deleted else owner.actions[uuid].state
        today = self._read.action(uuid, show_deleted=True)
        view = _view(
            ActionView,
            row,
            state=state,
            deleted_at=tables.row(ACTION_PLANS.name, plan)["deleted_at"],
            description="" if today is None else today.description,
        )
        return view, position

    def _folded(
        self, uuid: UUID, moment: Moment, kind: type[A], projection: Projection
    ) -> tuple[A, int, "_Tables"]:
        self.check(moment)
        seen = _until(self._log.history(uuid), moment)
        if not seen:
            raise NothingThen(f"{uuid} did not exist at {_told(moment)}.")
        try:
            snapshot = state_at(self._log, uuid, version=seen[-1].version)
        except NoSuchMoment as unreadable:
            raise Unavailable(str(unreadable)) from unreadable
        if not isinstance(snapshot.state, kind):
            raise NothingThen(f"{uuid} is no {kind.__name__}.")
        tables = _Tables()
        for entry in seen:
            wanted = projection.topics is None or entry.topic in projection.topics
            if wanted and not isinstance(entry, Malformed):
                projection.handle(entry, tables)
        return snapshot.state, snapshot.position, tables

    def _audit_deleted(self, audit: UUID, moment: Moment) -> bool:
        seen = _until(self._log.history(audit), moment)
        return any(entry.topic == "audit.deleted" for entry in seen)


def _until(entries: list[Entry], moment: Moment) -> list[Entry]:
    """The events up to a moment. Of times, the last event counts that is not later than it."""
    if isinstance(moment, int):
        return [entry for entry in entries if entry.position <= moment]
    last = 0
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, Malformed) and entry.event.timestamp <= moment:
            last = place
    return entries[:last]


def _told(moment: Moment) -> str:
    return f"position {moment}" if isinstance(moment, int) else moment.isoformat()


def _view(kind: type[V], row: Row, **values: object) -> V:
    known: Mapping[str, object] = {**row, **values}
    return kind(**{one.name: known[one.name] for one in fields(kind)})  # type: ignore[arg-type]


class _Tables:
    """The rows of one aggregate, by table and key."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, object], dict[str, Any]] = {}
        self._keys = {table.name: table.key for table in (AUDITS, ACTION_PLANS, ACTIONS)}

    def row(self, table: str, key: object) -> Row:
        """A row that must be there.

        Raises:
            NothingThen: it is not.
        """
        found = self.get(table, key)
        if found is None:
            raise NothingThen(f"{key} did not exist then.")
        return found

    def get(self, table: str, key: object) -> Row | None:
        """A row by its key."""
        return self._rows.get((table, key))

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """A new row."""
        self._rows[table, row[self._keys[table]]] = row

    def update(self, table: str, key: object, values: Row) -> None:
        """Assigns columns of a row; nothing if there is none."""
        self._rows.get((table, key), {}).update(values)

    def add(self, table: str, key: object, amounts: Mapping[str, int]) -> None:
        """Adds to integer columns of a row; nothing if there is none."""
        row = self._rows.get((table, key))
        for column, amount in amounts.items() if row is not None else ():
            row[column] += amount  # type: ignore[index]

    def delete(self, table: str, key: object) -> None:
        """Removes a row if there is one."""
        self._rows.pop((table, key), None)
