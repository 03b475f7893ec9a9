"""Requests runs that are due, ends audits that have no further run, and expires old plans."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.kernel.periodic import PeriodicJob
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, UnreadableEvent
from application.ports.read_models import ContinuousAudit, ReadModels
from domain.audits import Audit, RunCause
from domain.audits.schedule import Cron, counts_from, next_due
from domain.kernel.errors import DomainError, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan, PlanState
from domain.plans.reasons import EXPIRED

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScheduleSettings:
    """Intervals of the scheduler, and the maximum age of plans.

    Attributes:
        tick: seconds between two checks of what is due.
        search: seconds between two searches for continuous audits; those that a search found run on
            time also in between. 0: a search at each tick.
        expiry_hours: age at which a RECOMMENDED plan is superseded, 0 = never.
        expiry_check: seconds between two checks for old plans.
    """

    tick: float = 1.0
    search: float = 0.0
    expiry_hours: int = 24
    expiry_check: float = 1800.0


class Scheduler:
    """Requests runs by comparing the schedules with the clock.

    Any number of schedulers may run: if two request the same run, one gets a conflict.

    Args:
        commands: appends the requests.
        read: the schedules.
        clock: the present time.
        cron: evaluates cron expressions.
        settings: intervals.
        instance: id of this scheduler, for the events' metadata.
    """

    def __init__(
        self,
        commands: Commands,
        read: ReadModels,
        clock: Clock,
        cron: Cron,
        settings: ScheduleSettings,
        *,
        instance: str = "",
    ) -> None:
        self._commands = commands
        self._read = read
        self._clock = clock
        self._cron = cron
        self._settings = settings
        self._metadata = Metadata(component("scheduler", instance))
        self._errors: dict[UUID, str] = {}
        self._expiry_checked = float("-inf")
        self._search_due = float("-inf")
        self._job = PeriodicJob(
            log, "nothing is scheduled", self.tick, interval=settings.tick, clock=clock
        )

    def run(self, stop: threading.Event) -> None:
        """Checks the schedules until ``stop`` is set."""
        self._job.run(stop)

    def tick(self) -> None:
        """Does everything that is due now."""
        now = self._clock.now()
        if self._clock.monotonic() >= self._search_due:
            self._search(now)
        if self._clock.monotonic() - self._expiry_checked >= self._settings.expiry_check:
            self._expiry_checked = self._clock.monotonic()
            self._expire_plans(now)

    def _search(self, now: datetime) -> None:
        """Applies all schedules. An invalid one does not affect the others."""
        pause = self._settings.search
        for schedule in self._read.continuous_audits():
            again: datetime | None = None
            try:
                again = self._apply_schedule(schedule, now)
            except (Refusal, ConcurrencyConflict) as lost:
                log.debug("audit %s: %s", schedule.audit_id, lost)
                again = now
            except (DomainError, UnreadableEvent) as refused:
                self._log_once(schedule, refused)
            for moment in (again, schedule.end_time):
                if moment is not None:
                    pause = min(pause, (moment - now).total_seconds())
        self._search_due = self._clock.monotonic() + pause

    def _apply_schedule(self, schedule: ContinuousAudit, now: datetime) -> datetime | None:
        """Does what is due; returns when more is, None if the next search is early enough."""
        if schedule.end_time is not None and now >= schedule.end_time:
            self._change(schedule, lambda audit, ctx: audit.expire(ctx))
            return None
        if schedule.start_time is not None and now < schedule.start_time:
            return schedule.start_time
        since = counts_from(schedule.created_at, schedule.start_time)
        due = next_due(schedule.interval, schedule.last_due, now, self._cron, since=since)
        if schedule.run_open:
            return now if due is None else due  # what is due already follows the end of the run
        if due is None:
            self._change(schedule, lambda audit, ctx: audit.exhaust(ctx, schedule.interval))
        elif due <= now:
            self._change(
                schedule, lambda audit, ctx: audit.request_run(ctx, due, RunCause.SCHEDULE)
            )
        self._errors.pop(schedule.audit_id, None)
        if due is None or due > now:
            return due
        return next_due(schedule.interval, due, now, self._cron, since=since)

    def _change(
        self, schedule: ContinuousAudit, change: Callable[[Audit, Context], object]
    ) -> None:
        self._commands.run(
            self._metadata, lambda tx, ctx: change(tx.get(Audit, schedule.audit_id), ctx)
        )

    def _log_once(self, schedule: ContinuousAudit, error: DomainError | UnreadableEvent) -> None:
        if self._errors.get(schedule.audit_id) != str(error):
            self._errors[schedule.audit_id] = str(error)
            log.error("audit %s cannot be scheduled: %s", schedule.audit_id, error)

    def _expire_plans(self, now: datetime) -> None:
        hours = self._settings.expiry_hours
        if hours == 0:
            return
        because = Cause(EXPIRED, {"hours": hours})
        for plan in self._read.recommended_plans():
            if now - plan.created_at < timedelta(hours=hours):
                continue
            try:
                self._commands.run(self._metadata, _supersede(plan.uuid, because))
            except (DomainError, ConcurrencyConflict, UnreadableEvent) as lost:
                log.info("plan %s did not expire: %s", plan.uuid, lost)


def _supersede(plan_id: UUID, because: Cause) -> Callable[[Transaction, Context], None]:
    def decide(transaction: Transaction, ctx: Context) -> None:
        plan = transaction.get(ActionPlan, plan_id)
        if plan.state is PlanState.RECOMMENDED:
            plan.supersede(ctx, because)

    return decide
