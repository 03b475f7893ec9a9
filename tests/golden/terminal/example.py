"""A busy installation, always the same."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from application.ports.read_models import ProjectionStatus
from application.queries.overview import (
    AuditLine,
    EventLine,
    Health,
    InstallationInfo,
    ModelLine,
    Overview,
    PlanLine,
    Problem,
    RoleLine,
    RunningLine,
)
from domain.plans.estimate import Estimate
from tests.given import NOON

ROLES = (
    RoleLine("watcher-decision-engine", "node-1", "ACTIVE", age=1.2),
    RoleLine("watcher-applier", "node-1", "ACTIVE", age=3.9),
    RoleLine("watcher-applier", "node-2", "FAILED", age=734.0),
)


def ident(number: int) -> UUID:
    return UUID(f"{number:08x}-0000-4000-8000-000000000000")


def audit(number: int, state: str, kind: str = "ONESHOT", message: str = "") -> AuditLine:
    return AuditLine(
        uuid=ident(number),
        name=f"nightly-{number}",
        audit_type=kind,
        state=state,
        goal="server_consolidation",
        strategy="vm_workload_consolidation",
        next_run_time=NOON + timedelta(hours=1) if kind == "CONTINUOUS" else None,
        message=message,
    )


def move(number: int, percent: float | None) -> RunningLine:
    return RunningLine(
        uuid=ident(0x900 + number),
        action_type="migrate",
        target=f"web-{number}: host-{number:02} -> host-{number + 7:02}",
        seconds=42.0,
        percent=percent,
        detail="running",
        size=8 * 10**9,
        copied=None if percent is None else round(percent * 8 * 10**7),
    )


def plan(
    number: int,
    state: str,
    ended: int,
    total: int,
    *running: RunningLine,
    failed: int = 0,
    cancelled: int = 0,
    skipped: int = 0,
) -> PlanLine:
    return PlanLine(
        uuid=ident(number),
        state=state,
        goal="server_consolidation",
        strategy="basic",
        audit_uuid=ident(0x11),
        created_at=NOON,
        age=0.0,
        total=total,
        ended=ended,
        ongoing=len(running),
        succeeded=ended - failed - cancelled - skipped,
        failed=failed,
        cancelled=cancelled,
        skipped=skipped,
        pending=total - ended - len(running),
        message="2 of 9 actions failed." if state == "FAILED" else "",
        running=running,
        rest=Estimate(3900.0) if running else None,
    )


def event(
    position: int, summary: str, actor: str = "applier", kind: str = "component"
) -> EventLine:
    return EventLine(
        position=position,
        at=NOON + timedelta(seconds=position),
        type="plan.action-succeeded",
        plan=ident(0x20),
        actor=actor,
        actor_kind=kind,
        summary=summary,
    )


def projection(name: str, lag: int = 0, quarantined: int = 0) -> ProjectionStatus:
    return ProjectionStatus(
        name=name,
        version=1,
        position=421 - lag,
        lag=lag,
        quarantined=quarantined,
        error=None,
        building=name == "events",
    )


BUSY = Overview(
    at=NOON,
    installation=InstallationInfo(
        version="2.0",
        database="postgresql://vigil:***@db/vigil",
        pid=4711,
        api_url="http://127.0.0.1:9322",
        cloud="production",
    ),
    end=421,
    roles=ROLES,
    audits=(
        audit(0x11, "ONGOING", "CONTINUOUS"),
        audit(0x12, "SUCCEEDED"),
        audit(0x13, "FAILED", message="The cloud could not be reached: connection refused"),
        *(audit(0x20 + number, "SUCCEEDED") for number in range(9)),
    ),
    plans=(
        plan(0x31, "ONGOING", 12, 33, move(1, 63.0), move(2, 5.0), move(3, None)),
        plan(0x32, "RECOMMENDED", 0, 7),
        plan(0x33, "FAILED", 9, 9, failed=2, cancelled=3, skipped=1),
        plan(0x35, "SUPERSEDED", 7, 7, cancelled=7),
        plan(0x34, "SUCCEEDED", 0, 0),
    ),
    projections=(projection("audits"), projection("plans", 17, 1), projection("events")),
    quarantined=1,
    models=(
        ModelLine(
            "cloud-1",
            "compute",
            {"hosts": 30, "servers": 300},
            12.0,
            stale=False,
            problems=1,
            failure=None,
        ),
        ModelLine(
            "cloud-1",
            "storage",
            {},
            None,
            stale=False,
            problems=0,
            failure="The cloud's catalogue has no block-storage service.",
            absent=True,
        ),
    ),
    events=(
        *(event(400 + one, f"Action {ident(0x900 + one)} succeeded.") for one in range(20)),
        event(421, "Action plan launched.", "admin", "user"),
    ),
)

EMPTY = Overview(NOON, InstallationInfo("2.0", "sqlite:////var/lib/vigil/vigil.sqlite"))


def with_problem(view: Overview, text: str) -> Overview:
    """The same with a problem."""
    problem = Problem("database", "failed", "database", text)
    return replace(view, health=Health("failed", (problem,)))


AWAY = with_problem(EMPTY, "the database does not answer: connection refused; trying again")
