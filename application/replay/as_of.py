"""Audits, plans and actions at a past moment, as the API showed them then.

The state is folded by the domain, the other columns by the projections that fill the read tables.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.kernel.errors import NothingThen, Unavailable
from application.ports.clock import Clock
from application.ports.event_log import Moment, ReadOnlyLog
from application.ports.projections import Projection, Row
from application.ports.read_models import ActionPlanView, ActionView, AuditView, ReadModels
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS
from application.projections.audits import AuditsProjection
from application.projections.plans import PlansProjection
from application.queries.actions import actions_of_plan
from application.replay.aggregate_fold import AggregateFold
from application.replay.aggregate_history import HistoryCache, NoSuchMoment
from domain.audits import Audit
from domain.audits.events import AuditDeleted
from domain.audits.schedule import Cron
from domain.kernel.aggregate import Aggregate
from domain.plans.action import ActionState
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState

V = TypeVar("V")
A = TypeVar("A", bound=Aggregate)


class AsOfQueries:
    """Queries for single objects at a past moment.

    Args:
        log: the event log.
        read: has the descriptions of action types, which are not versioned.
        cron: evaluates cron expressions.
        clock: to refuse moments in the future.
        histories: caches long histories between queries.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        read: ReadModels,
        cron: Cron,
        clock: Clock,
        histories: HistoryCache | None = None,
    ) -> None:
        self._log = log
        self._read = read
        self._clock = clock
        self._audits = AuditsProjection(cron)
        self._plans = PlansProjection()
        self._histories = histories or HistoryCache(log)

    def check(self, moment: Moment) -> None:
        """Checks that a moment is in the past.

        Raises:
            NothingThen: it is beyond the end of the log, or in the future.
        """
        if isinstance(moment, datetime):
            if moment > self._clock.now():
                raise NothingThen(f"{moment.isoformat()} is in the future.")
        elif moment > (end := self._log.end()):
            raise NothingThen(f"The log ends at position {end}, there is no position {moment} yet.")

    def audit(self, uuid: UUID, moment: Moment) -> tuple[AuditView, int]:
        """An audit at a moment, and the position of its last event up to then.

        Raises:
            NothingThen: the audit did not exist.
            Unavailable: its history cannot be read that far.
        """
        with self._at(uuid, moment, Audit, self._audits) as (audit, fold, position):
            row = fold.rows.row(AUDITS.name, uuid)
            return _view(AuditView, row, state=audit.state), position

    def action_plan(self, uuid: UUID, moment: Moment) -> tuple[ActionPlanView, int]:
        """An action plan at a moment, and the position of its last event up to then.

        Raises:
            NothingThen: the plan did not exist.
            Unavailable: its history cannot be read that far.
        """
        with self._at(uuid, moment, ActionPlan, self._plans) as (plan, fold, position):
            row = fold.rows.row(ACTION_PLANS.name, uuid)
            deleted = self._is_audit_deleted(plan.audit_id, moment)
            view = _view(ActionPlanView, row, state=plan.state, audit_deleted=deleted)
            return view, position

    def action(self, plan: UUID, uuid: UUID, moment: Moment) -> tuple[ActionView, int]:
        """An action at a moment, and the position of the last event of its plan up to then.

        Raises:
            NothingThen: the action did not exist.
            Unavailable: the history of its plan cannot be read that far.
        """
        with self._at(plan, moment, ActionPlan, self._plans) as (owner, fold, position):
            today = self._read.action(uuid, show_deleted=True)
            return _action(owner, fold, uuid, "" if today is None else today.description), position

    def actions(self, plan: UUID, moment: Moment) -> tuple[list[ActionView], int]:
        """All actions of a plan at a moment, and the position of its last event up to then.

        Raises:
            NothingThen: the plan did not exist.
            Unavailable: its history cannot be read that far.
        """
        with self._at(plan, moment, ActionPlan, self._plans) as (owner, fold, position):
            today = actions_of_plan(self._read, plan, show_deleted=True)
            texts = {one.action_type: one.description for one in today}
            return [
                _action(owner, fold, uuid, texts.get(action.spec.type, ""))
                for uuid, action in owner.actions.items()
            ], position

    @contextmanager
    def _at(
        self, uuid: UUID, moment: Moment, kind: type[A], projection: Projection
    ) -> Iterator[tuple[A, AggregateFold, int]]:
        self.check(moment)
        with self._histories.open(uuid, projection) as history:
            version = history.version_at(moment)
            try:
                fold = history.fold(version)
            except NoSuchMoment as unreadable:
                raise Unavailable(str(unreadable)) from unreadable
            if fold.last is None:
                raise NothingThen(f"{uuid} did not exist at {_text(moment)}.")
            if not isinstance(fold.state, kind):
                raise NothingThen(f"{uuid} is no {kind.__name__}.")
            yield fold.state, fold, fold.last.position

    def _is_audit_deleted(self, audit: UUID, moment: Moment) -> bool:
        with self._histories.open(audit, self._audits) as history:
            version = history.version_at(moment)
            deleted = history.first_version(AuditDeleted.TOPIC)
            return deleted is not None and deleted <= version


def _action(owner: ActionPlan, fold: AggregateFold, uuid: UUID, description: str) -> ActionView:
    deleted = owner.state is PlanState.DELETED
    return _view(
        ActionView,
        fold.rows.row(ACTIONS.name, uuid),
        state=ActionState.DELETED if deleted else owner.actions[uuid].state,
        deleted_at=fold.rows.row(ACTION_PLANS.name, owner.id)["deleted_at"],
        description=description,
    )


def _text(moment: Moment) -> str:
    return f"position {moment}" if isinstance(moment, int) else moment.isoformat()


def _view(kind: type[V], row: Row, **values: object) -> V:
    known: Mapping[str, object] = {**row, **values}
    return kind(**{one.name: known[one.name] for one in fields(kind)})  # type: ignore[arg-type]
