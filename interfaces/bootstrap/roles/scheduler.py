import threading
from datetime import timedelta
from functools import partial

from application.records.pruning_job import PruningJob
from application.workers.scheduler import Scheduler, ScheduleSettings
from infrastructure.cron import next_match
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.pruning import pruner
from interfaces.bootstrap.roles import Work, instance_name
from interfaces.bootstrap.workers import run_with_background


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Requests runs that are due, expires old plans, and prunes records if configured."""
    engine, records = settings.decision_engine, settings.records
    scheduler = Scheduler(
        database.commands,
        database.read,
        CLOCK,
        next_match,
        ScheduleSettings(
            search=engine.continuous_audit_interval,
            expiry_hours=engine.action_plan_expiry,
            expiry_check=engine.check_periodic_interval,
        ),
        instance=instance_name(settings),
    )
    if not records.prune_interval:
        return partial(scheduler.run, stop)
    pruning = PruningJob(
        pruner(database),
        timedelta(days=records.days),
        interval=3600.0 * records.prune_interval,
        clock=CLOCK,
    )
    return partial(run_with_background, pruning.run, scheduler.run, stop)
