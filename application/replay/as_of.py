"""Audits, plans and actions as they were: their events up to a moment, folded again.

What happened is told by the domain's own fold (``application/replay``); how the API shows it, by
the projection that fills the live tables. So the past looks as it looked then.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.kernel.errors import NothingThen, Unavailable
from application.ports.clock import Clock
from application.ports.projections import Projection, Row
from application.ports.read_models import ActionPlanView, ActionView, AuditView, ReadModels
from application.ports.read_tables import ACTION_PLANS, ACTIONS, AUDITS
from application.projections.audits import AuditsProjection
from application.projections.plans import PlansProjection
from application.replay.folds import Fold
from application.replay.history import ReadOnlyLog
from application.replay.history_cache import HistoryCache, Moment
from application.replay.travel import NoSuchMoment
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
    """Answers what single things were.

    Args:
        log: their events.
        read: what does not change is looked up there (descriptions of action types).
        cron: evaluates cron expressions.
        clock: tells what is the past.
        strands: histories of the log; long ones are remembered between questions.
    """

    def __init__(
        self,
        log: ReadOnlyLog,
        read: ReadModels,
        cron: Cron,
        clock: Clock,
        strands: HistoryCache | None = None,
    ) -> None:
        self._log = log
        self._read = read
        self._clock = clock
        self._audits = AuditsProjection(cron)
        self._plans = PlansProjection()
        self._strands = strands or HistoryCache(log)

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
        with self._then(uuid, moment, Audit, self._audits) as (audit, fold):
            row = fold.rows.row(AUDITS.name, uuid)
            return _view(AuditView, row, state=audit.state), fold.position

    def action_plan(self, uuid: UUID, moment: Moment) -> tuple[ActionPlanView, int]:
        """An action plan as it was, and the position of the last event that it had seen.

        Raises:
            NothingThen: there was none.
            Unavailable: its history cannot be read that far.
        """
        with self._then(uuid, moment, ActionPlan, self._plans) as (plan, fold):
            row = fold.rows.row(ACTION_PLANS.name, uuid)
            gone = self._audit_deleted(plan.audit_id, moment)
            view = _view(ActionPlanView, row, state=plan.state, audit_deleted=gone)
            return view, fold.position

    def action(self, plan: UUID, uuid: UUID, moment: Moment) -> tuple[ActionView, int]:
        """An action as it was, and the position of the last event that its plan had seen.

        Raises:
            NothingThen: there was none.
            Unavailable: its history cannot be read that far.
        """
        with self._then(plan, moment, ActionPlan, self._plans) as (owner, fold):
            row = fold.rows.row(ACTIONS.name, uuid)
            today = self._read.action(uuid, show_deleted=True)
            deleted = owner.state is PlanState.DELETED
            view = _view(
                ActionView,
                row,
                state=ActionState.DELETED if deleted else owner.actions[uuid].state,
                deleted_at=fold.rows.row(ACTION_PLANS.name, plan)["deleted_at"],
                description="" if today is None else today.description,
            )
            return view, fold.position

    @contextmanager
    def _then(
        self, uuid: UUID, moment: Moment, kind: type[A], projection: Projection
    ) -> Iterator[tuple[A, Fold]]:
        self.check(moment)
        with self._strands.of(uuid, projection) as strand:
            version = strand.until(moment)
            if not version:
                raise NothingThen(f"{uuid} did not exist at {_told(moment)}.")
            try:
                fold = strand.fold(version)
            except NoSuchMoment as unreadable:
                raise Unavailable(str(unreadable)) from unreadable
            if not isinstance(fold.state, kind):
                raise NothingThen(f"{uuid} is no {kind.__name__}.")
            yield fold.state, fold

    def _audit_deleted(self, audit: UUID, moment: Moment) -> bool:
        with self._strands.of(audit, self._audits) as strand:
            seen = strand.until(moment)
            deleted = strand.version_of(AuditDeleted.TOPIC)
            return deleted is not None and deleted <= seen


def _told(moment: Moment) -> str:
    return f"position {moment}" if isinstance(moment, int) else moment.isoformat()


def _view(kind: type[V], row: Row, **values: object) -> V:
    known: Mapping[str, object] = {**row, **values}
    return kind(**{one.name: known[one.name] for one in fields(kind)})  # type: ignore[arg-type]
