"""Asks for runs when they are due, ends audits whose time is over, and expires old plans."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.kernel.outage_log import DATABASE_AWAY, OutageLog
from application.kernel.unit_of_work import Commands, Transaction
from application.ports.clock import Clock
from application.ports.event_log import ConcurrencyConflict, UnreadableEvent
from application.ports.read_models import ContinuousAudit, ReadModels
from domain.audits import Audit, RunCause
from domain.audits.schedule import Cron, counts_from, next_due
from domain.kernel.errors import DomainError, InvalidValue, Refusal
from domain.kernel.metadata import Context, Metadata, component
from domain.kernel.reasons import Cause, Reason
from domain.plans import ActionPlan, PlanState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScheduleSettings:
    """How often the scheduler looks, and when plans grow old.

    Attributes:
        tick: seconds between looks at what is due.
        expiry_hours: age at which a RECOMMENDED plan is superseded, 0 = never.
        expiry_check: seconds between looks for old plans.
    """

    tick: float = 1.0
    expiry_hours: int = 24
    expiry_check: float = 1800.0


class Scheduler:
    """Level-triggered; any number of schedulers may run: of two firings one gets a conflict.

    Args:
        commands: to ask for runs with.
        read: knows the schedules.
        clock: decides what is due.
        cron: evaluates cron expressions.
        timetable: how often to look.
        instance: id of this scheduler, for the events' metadata.
    """

    def __init__(
        self,
        commands: Commands,
        read: ReadModels,
        clock: Clock,
        cron: Cron,
        timetable: ScheduleSettings,
        *,
        instance: str = "",
    ) -> None:
        self._commands = commands
        self._read = read
        self._clock = clock
        self._cron = cron
        self._timetable = timetable
        self._metadata = Metadata(component("scheduler", instance))
        self._bad: dict[UUID, str] = {}
        self._expired = float("-inf")
        self._outage = OutageLog(log, "nothing is scheduled", clock.monotonic)

    def run(self, stop: threading.Event) -> None:
        """Looks at intervals until told to stop."""
        while not stop.is_set():
            try:
                self.tick()
                self._outage.over()
            except DATABASE_AWAY as away:
                self._outage.failed(away)
            except Exception:
                log.exception("a look at the schedules failed; the next is due in a moment")
            stop.wait(self._timetable.tick)

    def tick(self) -> None:
        """Does everything that is due now. One bad schedule does not hinder the others."""
        now = self._clock.now()
        for schedule in self._read.continuous_audits():
            try:
                self._consider(schedule, now)
            except InvalidValue as bad:
                self._report(schedule, bad)
            except (Refusal, ConcurrencyConflict) as lost:
                log.debug("audit %s: %s", schedule.audit_id, lost)
            except (DomainError, UnreadableEvent) as refused:
                self._report(schedule, refused)
        if self._clock.monotonic() - self._expired >= self._timetable.expiry_check:
            self._expired = self._clock.monotonic()
            self._expire_plans(now)

    def _consider(self, schedule: ContinuousAudit, now: datetime) -> None:
        if schedule.end_time is not None and now >= schedule.end_time:
            self._commands.run(
                self._metadata, lambda tx, ctx: tx.get(Audit, schedule.audit_id).expire(ctx)
            )
            return
        if schedule.run_open or (schedule.start_time is not None and now < schedule.start_time):
            return
        since = counts_from(schedule.created_at, schedule.start_time)
        due = next_due(schedule.interval, schedule.last_due, now, self._cron, since=since)
        if due <= now:
            self._commands.run(
                self._metadata,
                lambda tx, ctx: tx.get(Audit, schedule.audit_id).request_run(
                    ctx, due, RunCause.SCHEDULE
                ),
            )
        self._bad.pop(schedule.audit_id, None)

    def _report(self, schedule: ContinuousAudit, error: DomainError | UnreadableEvent) -> None:
        if self._bad.get(schedule.audit_id) != str(error):
            self._bad[schedule.audit_id] = str(error)
            log.error("audit %s cannot be scheduled: %s", schedule.audit_id, error)

    def _expire_plans(self, now: datetime) -> None:
        hours = self._timetable.expiry_hours
        if hours == 0:
            return
        because = Cause(Reason.EXPIRED, {"hours": hours})
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
