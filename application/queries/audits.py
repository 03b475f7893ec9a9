from dataclasses import replace
from datetime import datetime

from application.ports.read_models import AuditView
from domain.audits.schedule import Cron, upcoming


def current(audit: AuditView, now: datetime, cron: Cron) -> AuditView:
    """The audit with a next run after ``now``.

    The stored time of the next run passes while a run takes longer than the interval, and while no
    scheduler runs: no event renews it then.
    """
    if audit.next_run_time is None or audit.next_run_time > now or audit.interval is None:
        return audit
    due = upcoming(
        audit.interval,
        audit.last_due,
        now,
        cron,
        made=audit.created_at,
        start=audit.start_time,
        end=audit.end_time,
    )
    return replace(audit, next_run_time=due)
