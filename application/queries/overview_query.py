"""Reads the overview of an installation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from application.cluster_models.query import ClusterModels, ModelStatus
from application.kernel.actuation import ActuationView, actuation_view
from application.ports.clock import Clock
from application.ports.event_log import ReadOnlyLog
from application.ports.poison import PoisonBoard
from application.ports.progress import Progress, ProgressBoard
from application.ports.read_models import (
    ActionPlanView,
    ActionView,
    AuditView,
    Page,
    ReadModels,
    TimelineView,
)
from application.ports.services import ServiceRegistry
from application.projections import status_messages
from application.queries.audits import current
from application.queries.health import STALLED_AFTER, health_of, of_the_past
from application.queries.overview import (
    ActuationLine,
    AuditLine,
    EventLine,
    Gain,
    InstallationInfo,
    ModelLine,
    Overview,
    PlanLine,
    RoleLine,
    RunningLine,
    Supervised,
)
from application.queries.targets import action_target
from domain.audits.events import AuditState
from domain.audits.schedule import Cron
from domain.plans.action_types import MIGRATE
from domain.plans.estimate import Estimate
from domain.plans.events import PlanState

SHOWN = 50
"""Number of audits and plans, unless more are active, of events and of discarded messages."""
ACTIVE_AUDITS = (AuditState.ONGOING, AuditState.PENDING)
ACTIVE_PLANS = (
    PlanState.ONGOING,
    PlanState.CANCELLING,
    PlanState.PENDING,
    PlanState.RECOMMENDED,
)
NEWEST = Page(limit=SHOWN, sort_key="id", descending=True)
SERVICE_PREFIX = "watcher-"
"""The name of a service is this and the name of its role."""

T = TypeVar("T", AuditView, ActionPlanView)


class PlanSources(Protocol):
    """Where the values of a plan come from."""

    @property
    def read(self) -> ReadModels:
        """The read models."""
        ...

    @property
    def progress(self) -> ProgressBoard:
        """The progress of running actions."""
        ...

    def rest(self, plan: ActionPlanView) -> Estimate | None:
        """How long the rest of a plan takes, None if it has ended."""
        ...


@dataclass(frozen=True)
class OverviewQuery:
    """Reads the overview of an installation. Thread-safe.

    Args:
        plans: the values of plans.
        log, services, poison, models: the other sources.
        where: returns the installation and the processes that `vigil up` supervises, if any.
        cron: evaluates cron expressions.
        clock: tells the time.
        past: position of the last event, if this is a copy of a history.
    """

    plans: PlanSources
    log: ReadOnlyLog
    services: ServiceRegistry
    poison: PoisonBoard
    models: ClusterModels
    where: Callable[[], tuple[InstallationInfo, Sequence[Supervised]]]
    cron: Cron
    clock: Clock
    past: int | None = None

    def __call__(self) -> Overview:
        """All active audits and plans first, then the newest; events newest last.

        Raises:
            StoreUnavailable, EventLogUnavailable: the database cannot be reached.
        """
        now, read = self.clock.now(), self.plans.read
        where, children = self.where()
        projections = tuple(read.projections())
        audits = _active_first(read.active_audits(), read.audits(NEWEST, {}), ACTIVE_AUDITS)
        plans = _active_first(read.active_plans(), read.action_plans(NEWEST, {}), ACTIVE_PLANS)
        moves = read.action_counts([one.uuid for one in plans], MIGRATE)
        models = tuple(map(_model, self.models.status()))
        view = Overview(
            at=now,
            installation=replace(where, cloud=where.cloud or (models[0].cloud if models else None)),
            end=self.log.end(),
            actuation=actuation_line(actuation_view(self.log)),
            roles=self._roles(now, children, _Work(audits, plans)),
            models=models,
            audits=tuple(audit_line(current(one, now, self.cron)) for one in audits),
            plans=tuple(
                replace(plan_line(self.plans, one, now), moves=moves.get(one.uuid, 0))
                for one in plans
            ),
            projections=projections,
            quarantined=sum(one.quarantined for one in projections),
            discarded_messages=tuple(self.poison.rows(SHOWN)),
            events=tuple(map(event_line, reversed(read.timeline(limit=SHOWN, newest_first=True)))),
        )
        health = health_of(view) if self.past is None else of_the_past(self.past)
        return replace(view, health=health)

    def _roles(
        self, now: datetime, children: Sequence[Supervised], work: "_Work"
    ) -> tuple[RoleLine, ...]:
        """The services, and the supervised roles that send no heartbeats."""
        supervised = {one.role: one for one in children}
        found = []
        for row in self.services.rows():
            child = supervised.pop(row.name.removeprefix(SERVICE_PREFIX), None)
            age = (now - row.last_seen_up).total_seconds()
            found.append(
                RoleLine(
                    name=row.name,
                    host=row.host,
                    state="ACTIVE" if row.alive else "FAILED",
                    last_seen_up=row.last_seen_up,
                    age=age,
                    restarts=None if child is None else child.restarts,
                    doing=work.of(row.name, row.host) if row.alive else "",
                )
            )
        others = (
            RoleLine(
                name=one.role,
                host=None,
                state="ACTIVE" if one.ready else "FAILED",
                restarts=one.restarts,
            )
            for one in supervised.values()
        )
        return (*found, *others)


@dataclass(frozen=True)
class _Work:
    """Who owns which runs and plans."""

    audits: Sequence[AuditView]
    plans: Sequence[ActionPlanView]

    def of(self, service: str, host: str) -> str:
        """What a service on a host is doing, as one phrase; empty if it is idle."""
        prefix = f"{service}/{host}/"
        runs = [f"audit {one.name}" for one in self.audits if _owns(prefix, one.run_owner)]
        plans = [
            f"plan {one.uuid} ({one.actions_ended} of {one.actions_total} actions)"
            for one in self.plans
            if one.open_position is not None and _owns(prefix, one.owner)
        ]
        what = ["computing " + ", ".join(runs)] if runs else []
        what += ["executing " + ", ".join(plans)] if plans else []
        return "; ".join(what)


def _owns(prefix: str, owner: str | None) -> bool:
    return owner is not None and owner.startswith(prefix)


def actuation_line(found: ActuationView) -> ActuationLine:
    """The actuation switch of the overview."""
    if found.is_on:
        return ActuationLine()
    return ActuationLine(on=False, reason=status_messages.why(found.hold), since=found.at)


def _model(status: ModelStatus) -> ModelLine:
    return ModelLine(
        cloud=status.cloud,
        kind=status.kind,
        sizes=status.sizes,
        age=status.age,
        stale=status.stale,
        problems=status.problem_count,
        failure=None if status.failure is None else str(status.failure),
        absent=status.absent,
        failing_since=status.failing_since,
    )


def event_line(one: TimelineView) -> EventLine:
    """An event of the overview."""
    kind = one.topic.partition(".")[0]
    return EventLine(
        position=one.position,
        at=one.at,
        actor=one.actor,
        actor_kind=one.actor_kind,
        type=one.topic,
        summary=one.summary,
        audit=one.aggregate_id if kind == "audit" else None,
        plan=one.aggregate_id if kind == "plan" else None,
    )


def _active_first(active: Sequence[T], newest: Sequence[T], order: Sequence[str]) -> list[T]:
    rows = {one.uuid: one for one in active}
    for one in newest:
        if len(rows) < SHOWN:
            rows.setdefault(one.uuid, one)
    ranks = {state: rank for rank, state in enumerate(order)}
    return sorted(rows.values(), key=lambda one: ranks.get(one.state, len(ranks)))


def audit_line(one: AuditView) -> AuditLine:
    """An audit of the overview."""
    return AuditLine(
        uuid=one.uuid,
        name=one.name,
        audit_type=one.audit_type,
        state=one.state,
        goal=one.goal_name or "-",
        strategy=one.strategy_name or "-",
        next_run_time=one.next_run_time,
        message=one.status_message or "",
    )


def plan_line(sources: PlanSources, one: ActionPlanView, now: datetime) -> PlanLine:
    """A plan with its running actions; its ``moves`` are not counted."""
    return replace(
        plan_counts(one, now),
        running=_running(sources, one.uuid, now) if one.actions_ongoing else (),
        rest=sources.rest(one) if one.open_position is not None else None,
    )


def plan_counts(one: ActionPlanView, now: datetime) -> PlanLine:
    """A plan without its running actions; its ``moves`` are not counted."""
    not_done = one.actions_failed + one.actions_cancelled + one.actions_skipped
    return PlanLine(
        uuid=one.uuid,
        state=one.state,
        goal=one.goal_name,
        strategy=one.strategy_name or "-",
        audit_uuid=one.audit_uuid,
        created_at=one.created_at,
        age=(now - one.created_at).total_seconds(),
        total=one.actions_total,
        ended=one.actions_ended,
        ongoing=one.actions_ongoing,
        succeeded=one.actions_ended - not_done,
        failed=one.actions_failed,
        cancelled=one.actions_cancelled,
        skipped=one.actions_skipped,
        pending=one.actions_total - one.actions_ended - one.actions_ongoing,
        message=one.status_message or "",
        gain=_gain(one),
    )


def _gain(plan: ActionPlanView) -> Gain | None:
    for one in plan.global_efficacy:
        return Gain(one["name"], one["value"], one.get("unit"))
    return None


def _running(sources: PlanSources, plan: UUID, now: datetime) -> tuple[RunningLine, ...]:
    actions = sources.read.running_actions(plan)
    known = sources.progress.of([one.uuid for one in actions])
    return tuple(_running_line(one, known.get(one.uuid), now) for one in actions)


def _running_line(one: ActionView, progress: Progress | None, now: datetime) -> RunningLine:
    line = RunningLine(
        uuid=one.uuid,
        action_type=one.action_type,
        target=action_target(one.input_parameters),
        seconds=(now - (one.started_at or now)).total_seconds(),
        percent=None,
        detail="",
        size=one.size,
    )
    if progress is None:
        return line
    copied, unchanged = progress.copied, progress.unchanged_since
    return replace(
        line,
        percent=progress.percent,
        detail=progress.detail if progress.because is None else str(progress.because),
        copied=copied,
        rate=copied / line.seconds if copied is not None and line.seconds > 0 else None,
        stalled=unchanged is not None and (now - unchanged).total_seconds() > STALLED_AFTER,
        unchanged_since=unchanged,
    )
