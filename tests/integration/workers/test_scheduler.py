import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import text

from application.ports.event_log import EventLog
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ActionPlanView, ContinuousAudit, ReadModels
from application.workers.scheduler import Scheduler, ScheduleSettings
from domain.audits import AuditState, AuditType
from domain.plans import PlanState
from infrastructure.clock import SystemClock
from infrastructure.cron import next_match
from infrastructure.read_models import open_engine
from tests.integration.workshop import CLOCK, Workshop


@pytest.fixture
def shop(event_database: str, event_log: EventLog) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    yield shop
    shop.close()


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


def topics(shop: Workshop, audit: UUID) -> list[str]:
    return [entry.topic for entry in shop.log.history(audit)]


def runs(shop: Workshop, audit: UUID) -> int:
    return topics(shop, audit).count("audit.run-requested")


def test_a_continuous_audit_gets_its_first_run_at_once_and_one_at_a_time(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, interval="1")
    shop.tick()
    shop.tick()
    assert runs(shop, audit) == 1


def test_the_next_run_comes_after_the_interval(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, interval="3600")
    shop.tick()
    shop.work()
    shop.tick()
    assert runs(shop, audit) == 1
    shop.change_audit(audit, lambda one, ctx: one.change(ctx, {"interval": "1"}))
    last = shop.audit(audit).last_due
    assert last is not None
    CLOCK.sleep(max(0.0, 1.05 - (CLOCK.now() - last).total_seconds()))
    shop.tick()
    assert runs(shop, audit) == 2, "a changed interval counts from the next look on (hazard D10)"


def test_a_cron_audit_gets_its_first_run_at_the_first_match_after_it_was_made(
    shop: Workshop,
) -> None:
    """An audit of `* * * * *` stayed PENDING for ever: before its first run, the scheduler asked
    for the first match after *now*, which is never due; one by seconds ran at once."""
    audit = shop.request(AuditType.CONTINUOUS, interval="* * * * * *")
    shop.tick()
    CLOCK.sleep(1.05)
    shop.tick()
    assert runs(shop, audit) == 1
    shop.work()
    CLOCK.sleep(1.05)
    shop.tick()
    assert runs(shop, audit) == 2


def test_racing_schedulers_request_one_run(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, interval="60")
    racers = [
        Scheduler(shop.commands, shop.read, CLOCK, next_match, ScheduleSettings()) for _ in range(6)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda racer: racer.tick(), racers))
    assert runs(shop, audit) == 1


def test_one_bad_schedule_does_not_hinder_the_others(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """The original stopped scheduling for the whole host (hazard F1)."""
    bad = shop.request(AuditType.CONTINUOUS, interval="whenever")
    good = shop.request(AuditType.CONTINUOUS, interval="60")
    shop.tick()
    shop.tick()
    assert runs(shop, bad) == 0
    assert runs(shop, good) == 1
    assert caplog.text.count("cannot be scheduled") == 1


def test_a_database_that_is_away_is_no_traceback_at_every_look(
    shop: Workshop, caplog: pytest.LogCaptureFixture
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
    Scheduler(shop.commands, cast("ReadModels", Away()), CLOCK, next_match, timetable).run(stop)
    told = [one for one in caplog.records if one.name == "application.workers.scheduler"]
    assert [one.levelname for one in told] == ["WARNING", "INFO"]
    assert not any(one.exc_info for one in told)


def test_a_history_that_cannot_be_read_hinders_only_its_own(
    shop: Workshop, event_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An audit with an event of a newer release stopped all audits after it, and the expiry.

    The release had been taken back; the log said "a look at the schedules failed" each second.
    """
    bad = shop.request(AuditType.CONTINUOUS, interval="60")
    good = shop.request(AuditType.CONTINUOUS, interval="60")
    old, older = shop.request(), shop.request(force=True)
    shop.work()
    unknown = {bad, shop.plans(older)[0].id}
    shop.projector.catch_up()
    for one in unknown:
        rewrite(event_database, one, "of.tomorrow")
    timetable = ScheduleSettings(expiry_hours=1, expiry_check=0.0)
    scheduler = Scheduler(shop.commands, shop.read, Tomorrow(), next_match, timetable)
    for _ in range(2):
        scheduler.tick()
    assert runs(shop, good) == 1
    assert caplog.text.count(f"audit {bad} cannot be scheduled") == 1
    (plan,) = shop.plans(old)
    assert plan.state is PlanState.SUPERSEDED


def test_an_audit_waits_for_its_start_time(shop: Workshop) -> None:
    later = CLOCK.now() + timedelta(hours=1)
    audit = shop.request(AuditType.CONTINUOUS, start_time=later)
    shop.tick()
    assert runs(shop, audit) == 0


def test_an_audit_past_its_end_time_has_succeeded(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, end_time=CLOCK.now())
    shop.tick()
    assert shop.audit(audit).state is AuditState.SUCCEEDED
    assert topics(shop, audit)[-1] == "audit.expired"


def test_a_suspended_audit_is_not_run_until_it_is_resumed(shop: Workshop) -> None:
    audit = shop.request(AuditType.CONTINUOUS, interval="1")
    shop.tick()
    shop.work()
    shop.change_audit(audit, lambda one, ctx: one.move(ctx, AuditState.SUSPENDED))
    shop.tick()
    assert runs(shop, audit) == 1
    shop.change_audit(audit, lambda one, ctx: one.move(ctx, AuditState.ONGOING))
    CLOCK.sleep(1.05)
    shop.tick()
    assert runs(shop, audit) == 2


def test_a_recommended_plan_expires_and_a_launched_one_does_not(shop: Workshop) -> None:
    old, launched = shop.request(), shop.request(force=True)
    shop.work()
    (expiring,), (running,) = shop.plans(old), shop.plans(launched)
    shop.change_plan(running.id, lambda plan, ctx: plan.launch(ctx))
    timetable = ScheduleSettings(expiry_hours=1, expiry_check=0.0)
    Scheduler(shop.commands, shop.read, Tomorrow(), next_match, timetable).tick()
    shop.projector.catch_up()
    expired = shop.read.action_plan(expiring.id)
    assert expired is not None
    assert expired.state == PlanState.SUPERSEDED
    assert expired.status_message == "The plan was not launched within 1 hours."
    (same,) = shop.plans(launched)
    assert same.state is PlanState.PENDING
