import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from application.records.pruning_job import PruningJob
from application.workers.scheduler import Scheduler, ScheduleSettings
from infrastructure.cron import next_match
from infrastructure.settings import Settings
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.pruning import pruner
from interfaces.bootstrap.roles import Work, instance_name
from interfaces.bootstrap.sealing import sealing_job
from interfaces.bootstrap.workers import run_with_background


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Requests runs that are due, expires old plans, prunes records, and seals the log."""
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
    tasks: list[Callable[[threading.Event], None]] = []
    if records.prune_interval:
        pruning = PruningJob(
            pruner(database),
            timedelta(days=records.days),
            interval=3600.0 * records.prune_interval,
            clock=CLOCK,
        )
        tasks.append(pruning.run)
    sealing = sealing_job(settings, database)
    if sealing is not None:
        tasks.append(sealing.run)
    return partial(run_with_background, tasks, scheduler.run, stop)
