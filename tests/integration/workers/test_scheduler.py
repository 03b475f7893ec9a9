import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import text

from application.ports.projections import StoreUnavailable
from application.ports.read_models import ActionPlanView, ContinuousAudit, ReadModels
from application.workers.scheduler import Scheduler, ScheduleSettings
from domain.audits import Audit, AuditState, AuditType
from domain.plans import ActionPlan, PlanState
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.read_models import open_engine
from tests.world.engine import EngineWorld
from tests.world.world import CLOCK, TEST


class Tomorrow(SystemClock):
    """The clock, a day later."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


def rewrite(database: str, aggregate: UUID, topic: str) -> None:
    """Gives the last event of an aggregate another topic."""
    engine = open_engine(database)
    with engine.begin() as connection:
        key = aggregate.hex if engine.dialect.name == "sqlite" else aggregate
        of = "WHERE originator_id = :key"
        last = f"(SELECT max(originator_version) FROM stored_events {of})"  # noqa: S608
        connection.execute(
            text(f"UPDATE stored_events SET topic = :topic {of} AND originator_version = {last}"),  # noqa: S608
            {"topic": topic, "key": key},
        )
    engine.dispose()


def topics(world: EngineWorld, audit: UUID) -> list[str]:
    return [entry.topic for entry in world.log.history(audit)]


def runs(world: EngineWorld, audit: UUID) -> int:
    return topics(world, audit).count("audit.run-requested")


def test_a_continuous_audit_gets_its_first_run_at_once_and_one_at_a_time(
    world: EngineWorld,
) -> None:
    audit = world.request(AuditType.CONTINUOUS, interval="1")
    world.tick()
    world.tick()
    assert runs(world, audit) == 1


def test_the_next_run_comes_after_the_interval(world: EngineWorld) -> None:
    audit = world.request(AuditType.CONTINUOUS, interval="3600")
    world.tick()
    world.work()
    world.tick()
    assert runs(world, audit) == 1
    world.change(Audit, audit, lambda one, ctx: one.change(ctx, {"interval": "1"}))
    last = world.find_audit(audit).last_due
    assert last is not None
    CLOCK.sleep(max(0.0, 1.05 - (CLOCK.now() - last).total_seconds()))
    world.tick()
    assert runs(world, audit) == 2, "a changed interval counts from the next look on (hazard D10)"


def test_a_cron_audit_gets_its_first_run_at_the_first_match_after_it_was_made(
    world: EngineWorld,
) -> None:
    """An audit of `* * * * *` stayed PENDING for ever: before its first run, the scheduler asked
    for the first match after *now*, which is never due; one by seconds ran at once."""
    audit = world.request(AuditType.CONTINUOUS, interval="* * * * * *")
    world.tick()
    CLOCK.sleep(1.05)
    world.tick()
    assert runs(world, audit) == 1
    world.work()
    CLOCK.sleep(1.05)
    world.tick()
    assert runs(world, audit) == 2


def test_a_cron_audit_runs_at_its_last_match_then_ends_and_says_so(world: EngineWorld) -> None:
    """`24 6 28 11 * 0 2026` never ran: the search for missed matches failed behind the last one,
    at each look, and only one line of a log said so."""
    match = CLOCK.now().replace(microsecond=0) + timedelta(seconds=2)
    once = f"{match:%-M %-H %-d %-m} * {match:%-S} {match:%Y}"
    audit = world.request(AuditType.CONTINUOUS, interval=once)
    assert world.find_audit(audit).state is AuditState.PENDING
    while CLOCK.now() <= match + timedelta(seconds=1):
        world.tick()
        CLOCK.sleep(0.1)
    assert runs(world, audit) == 1
    assert world.find_audit(audit).last_due == match
    world.work()
    world.tick()
    assert topics(world, audit)[-1] == "audit.expired"
    shown = world.reads.audit(str(audit))
    assert shown is not None
    assert (shown.state, shown.next_run_time) == ("SUCCEEDED", None)
    assert shown.status_message == f"The interval {once} has no later match."


def test_an_audit_is_not_ended_for_an_interval_that_was_changed_meanwhile(
    world: EngineWorld,
) -> None:
    gone = "0 0 1 1 * 0 2020"
    audit = world.request(AuditType.CONTINUOUS, interval=gone)
    world.commands.run(TEST, lambda tx, ctx: tx.get(Audit, audit).change(ctx, {"interval": "60"}))
    world.scheduler.tick()  # reads the old interval: the change is not projected yet
    assert world.find_audit(audit).state is AuditState.PENDING
    world.tick()
    assert runs(world, audit) == 1


def test_an_interval_that_no_clock_reaches_does_not_hinder_the_others(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    bad = world.request(AuditType.CONTINUOUS, interval="9" * 30)
    good = world.request(AuditType.CONTINUOUS, interval="60")
    world.tick()
    assert (runs(world, bad), runs(world, good)) == (0, 1)
    assert caplog.text.count("cannot be scheduled") == 1


def test_racing_schedulers_request_one_run(world: EngineWorld) -> None:
    audit = world.request(AuditType.CONTINUOUS, interval="60")
    racers = [
        Scheduler(world.commands, world.reads, CLOCK, next_match, ScheduleSettings())
        for _ in range(6)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda racer: racer.tick(), racers))
    assert runs(world, audit) == 1


def test_one_bad_schedule_does_not_hinder_the_others(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The original stopped scheduling for the whole host (hazard F1)."""
    bad = world.request(AuditType.CONTINUOUS, interval="whenever")
    good = world.request(AuditType.CONTINUOUS, interval="60")
    world.tick()
    world.tick()
    assert runs(world, bad) == 0
    assert runs(world, good) == 1
    assert caplog.text.count("cannot be scheduled") == 1


def test_a_database_that_is_away_is_no_traceback_at_every_look(
    world: EngineWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage filled the log with a hundred lines a second: half a gigabyte in an hour."""
    caplog.set_level("INFO")
    stop = threading.Event()

    class Away:
        """Read models whose database comes back at the sixth look."""

        looks = 0

        def continuous_audits(self) -> list[ContinuousAudit]:
            self.looks += 1
            if self.looks < 6:
                raise StoreUnavailable("connection refused")
            stop.set()
            return []

        def recommended_plans(self) -> list[ActionPlanView]:
            return []

    timetable = ScheduleSettings(tick=0.001)
    Scheduler(world.commands, cast("ReadModels", Away()), CLOCK, next_match, timetable).run(stop)
    told = [one for one in caplog.records if one.name == "application.workers.scheduler"]
    assert [one.levelname for one in told] == ["WARNING", "INFO"]
    assert not any(one.exc_info for one in told)


def test_a_history_that_cannot_be_read_hinders_only_its_own(
    world: EngineWorld, event_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An audit with an event of a newer release stopped all audits after it, and the expiry.

    The release had been taken back; the log said "a look at the schedules failed" each second.
    """
    bad = world.request(AuditType.CONTINUOUS, interval="60")
    good = world.request(AuditType.CONTINUOUS, interval="60")
    old, older = world.request(), world.request(force=True)
    world.work()
    unknown = {bad, world.find_plans(older)[0].id}
    world.projector.catch_up()
    for one in unknown:
        rewrite(event_database, one, "of.tomorrow")
    timetable = ScheduleSettings(expiry_hours=1, expiry_check=0.0)
    scheduler = Scheduler(world.commands, world.reads, Tomorrow(), next_match, timetable)
    for _ in range(2):
        scheduler.tick()
    assert runs(world, good) == 1
    assert caplog.text.count(f"audit {bad} cannot be scheduled") == 1
    (plan,) = world.find_plans(old)
    assert plan.state is PlanState.SUPERSEDED


def test_an_audit_waits_for_its_start_time(world: EngineWorld) -> None:
    later = CLOCK.now() + timedelta(hours=1)
    audit = world.request(AuditType.CONTINUOUS, start_time=later)
    world.tick()
    assert runs(world, audit) == 0


def test_an_audit_past_its_end_time_has_succeeded(world: EngineWorld) -> None:
    audit = world.request(AuditType.CONTINUOUS, end_time=CLOCK.now())
    world.tick()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED
    assert topics(world, audit)[-1] == "audit.expired"


def test_a_suspended_audit_is_not_run_until_it_is_resumed(world: EngineWorld) -> None:
    audit = world.request(AuditType.CONTINUOUS, interval="1")
    world.tick()
    world.work()
    world.change(Audit, audit, lambda one, ctx: one.move(ctx, AuditState.SUSPENDED))
    world.tick()
    assert runs(world, audit) == 1
    world.change(Audit, audit, lambda one, ctx: one.move(ctx, AuditState.ONGOING))
    CLOCK.sleep(1.05)
    world.tick()
    assert runs(world, audit) == 2


def test_a_recommended_plan_expires_and_a_launched_one_does_not(world: EngineWorld) -> None:
    old, launched = world.request(), world.request(force=True)
    world.work()
    (expiring,), (running,) = world.find_plans(old), world.find_plans(launched)
    world.change(ActionPlan, running.id, lambda plan, ctx: plan.launch(ctx))
    timetable = ScheduleSettings(expiry_hours=1, expiry_check=0.0)
    Scheduler(world.commands, world.reads, Tomorrow(), next_match, timetable).tick()
    world.projector.catch_up()
    expired = world.reads.action_plan(expiring.id)
    assert expired is not None
    assert expired.state == PlanState.SUPERSEDED
    assert expired.status_message == "The plan was not launched within 1 hours."
    (same,) = world.find_plans(launched)
    assert same.state is PlanState.PENDING


class Stopped(SystemClock):
    """A clock that a test moves; all that is due by it is due for engines, too."""

    def __init__(self) -> None:
        self.at = CLOCK.now() - timedelta(hours=1)
        self.began = self.at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - self.began).total_seconds()


def test_new_continuous_audits_are_searched_for_at_the_interval_of_the_option(
    world: EngineWorld,
) -> None:
    """`continuous_audit_interval` was documented, but nothing read it."""
    clock = Stopped()
    settings = ScheduleSettings(search=10.0)
    world.scheduler = Scheduler(world.commands, world.reads, clock, next_match, settings)
    world.tick()
    audit = world.request(AuditType.CONTINUOUS, interval="3600")
    clock.at += timedelta(seconds=9)
    world.tick()
    assert runs(world, audit) == 0
    clock.at += timedelta(seconds=1)
    world.tick()
    assert runs(world, audit) == 1


def test_known_continuous_audits_run_on_time_between_two_searches(world: EngineWorld) -> None:
    clock = Stopped()
    settings = ScheduleSettings(search=3600.0)
    world.scheduler = Scheduler(world.commands, world.reads, clock, next_match, settings)
    ends = clock.at + timedelta(seconds=100)
    audit = world.request(AuditType.CONTINUOUS, interval="30", end_time=ends)
    world.tick()
    assert runs(world, audit) == 1
    clock.at += timedelta(seconds=31)
    world.tick()
    assert runs(world, audit) == 1, "the first run has not ended"
    world.work()
    world.tick()
    assert runs(world, audit) == 2, "it follows the end of the first run"
    world.work()
    clock.at += timedelta(seconds=28)
    world.tick()
    assert runs(world, audit) == 2
    clock.at += timedelta(seconds=1)
    world.tick()
    assert runs(world, audit) == 3
    world.work()
    clock.at = ends
    world.tick()
    assert topics(world, audit)[-1] == "audit.expired"
