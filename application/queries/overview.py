"""The overview of the installation, as plain values for any viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from application.cluster_models.query import ClusterModels, ModelStatus
from application.kernel.actuation import actuation_view
from application.ports.event_log import EventLog
from application.ports.poison import PoisonBoard, PoisonedMessage
from application.ports.progress import Progress, ProgressBoard
from application.ports.read_models import (
    ActionPlanView,
    ActionView,
    AuditView,
    Page,
    ProjectionStatus,
    ReadModels,
    TimelineView,
)
from application.ports.services import ServiceRegistry
from application.projections import status_messages
from application.queries.audits import current
from application.queries.targets import action_target
from domain.audits.events import AuditState
from domain.audits.schedule import Cron
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

T = TypeVar("T", AuditView, ActionPlanView)


class OverviewSources(Protocol):
    """Where the values come from (``interfaces.bootstrap.queries.Queries`` is one)."""

    @property
    def log(self) -> EventLog:
        """The event log."""
        ...

    @property
    def read(self) -> ReadModels:
        """The read models."""
        ...

    @property
    def services(self) -> ServiceRegistry:
        """The heartbeats."""
        ...

    @property
    def poison(self) -> PoisonBoard:
        """Messages that consumers discarded."""
        ...

    @property
    def models(self) -> ClusterModels:
        """Collected models of clouds."""
        ...

    @property
    def progress(self) -> ProgressBoard:
        """The progress of running actions."""
        ...

    def rest(self, plan: ActionPlanView) -> Estimate | None:
        """How long the rest of a plan takes, None if it has ended."""
        ...


@dataclass(frozen=True)
class ServiceLine:
    """A service. ``age``: seconds since its last heartbeat."""

    name: str
    host: str
    age: float
    alive: bool


@dataclass(frozen=True)
class ModelLine:
    """A collected model of a cloud.

    Attributes:
        age: seconds since the model was last confirmed by a collection, None before the first one.
        problems: number of unusable records.
        failure: why the last collection failed.
        absent: the cloud has no such service.
    """

    cloud: str
    kind: str
    sizes: Mapping[str, int]
    age: float | None
    stale: bool
    problems: int
    failure: str | None
    absent: bool = False


@dataclass(frozen=True)
class AuditLine:
    """An audit."""

    uuid: UUID
    name: str
    audit_type: str
    state: str
    goal: str
    strategy: str
    next_run_time: datetime | None
    message: str


@dataclass(frozen=True)
class MoveLine:
    """A running action.

    Attributes:
        target: the resource and its change.
        seconds: since its start.
        percent: progress, None if unknown.
        size: bytes that it copies, copied: that it has copied, None if unknown.
    """

    uuid: UUID
    action_type: str
    target: str
    seconds: float
    percent: float | None
    detail: str
    size: int | None = None
    copied: int | None = None


@dataclass(frozen=True)
class PlanLine:
    """A plan and its running actions.

    Attributes:
        total, ongoing: numbers of actions.
        ended: the sum of succeeded, failed, cancelled and skipped.
        rest: how long the rest of a launched plan takes, None for others.
    """

    uuid: UUID
    state: str
    goal: str
    total: int
    ended: int
    ongoing: int
    succeeded: int
    failed: int
    cancelled: int
    skipped: int
    message: str
    moves: tuple[MoveLine, ...] = ()
    rest: Estimate | None = None


@dataclass(frozen=True)
class InstallationInfo:
    """The installation.

    Attributes:
        database: URL without its password.
        pid: of a running `vigil up`, None if there is none on this machine.
        api_url, cloud: of that process.
    """

    database: str
    pid: int | None = None
    api_url: str | None = None
    cloud: str | None = None


@dataclass(frozen=True)
class Overview:
    """The state of the installation.

    Attributes:
        end: position of the last event.
        actuation_off: why no action may begin, None while actuation is on.
        quarantined: number of events that projections could not process.
        poisoned: messages that consumers discarded, newest first.
        problem: why the overview is incomplete (no database, …).
    """

    at: datetime
    where: InstallationInfo
    end: int = 0
    actuation_off: str | None = None
    services: tuple[ServiceLine, ...] = ()
    audits: tuple[AuditLine, ...] = ()
    plans: tuple[PlanLine, ...] = ()
    projections: tuple[ProjectionStatus, ...] = ()
    models: tuple[ModelLine, ...] = ()
    quarantined: int = 0
    poisoned: tuple[PoisonedMessage, ...] = ()
    events: tuple[TimelineView, ...] = field(default=())
    problem: str | None = None


def gather(
    sources: OverviewSources, where: InstallationInfo, now: datetime, cron: Cron
) -> Overview:
    """Reads the overview: all active audits and plans first, then the newest; events newest last.

    Args:
        sources: where the values come from.
        where: the installation.
        now: UTC.
        cron: evaluates cron expressions.

    Raises:
        StoreUnavailable, EventLogUnavailable: the database cannot be reached.
    """
    read = sources.read
    projections = tuple(read.projections())
    audits = _active_first(read.active_audits(), read.audits(NEWEST, {}), ACTIVE_AUDITS)
    plans = _active_first(read.active_plans(), read.action_plans(NEWEST, {}), ACTIVE_PLANS)
    return Overview(
        at=now,
        where=where,
        end=sources.log.end(),
        actuation_off=status_messages.why(actuation_view(sources.log).hold),
        services=tuple(
            ServiceLine(one.name, one.host, (now - one.last_seen_up).total_seconds(), one.alive)
            for one in sources.services.rows()
        ),
        audits=tuple(_audit(current(one, now, cron)) for one in audits),
        plans=tuple(plan_line(sources, one, now) for one in plans),
        projections=projections,
        models=tuple(map(_model, sources.models.status())),
        quarantined=sum(one.quarantined for one in projections),
        poisoned=tuple(sources.poison.rows(SHOWN)),
        events=tuple(reversed(read.timeline(limit=SHOWN, newest_first=True))),
    )


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
    )


def _active_first(active: Sequence[T], newest: Sequence[T], order: Sequence[str]) -> list[T]:
    rows = {one.uuid: one for one in active}
    for one in newest:
        if len(rows) < SHOWN:
            rows.setdefault(one.uuid, one)
    ranks = {state: rank for rank, state in enumerate(order)}
    return sorted(rows.values(), key=lambda one: ranks.get(one.state, len(ranks)))


def _audit(one: AuditView) -> AuditLine:
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


def plan_line(sources: OverviewSources, one: ActionPlanView, now: datetime) -> PlanLine:
    """A plan with its running actions."""
    not_done = one.actions_failed + one.actions_cancelled + one.actions_skipped
    return PlanLine(
        uuid=one.uuid,
        state=one.state,
        goal=one.goal_name,
        total=one.actions_total,
        ended=one.actions_ended,
        ongoing=one.actions_ongoing,
        succeeded=one.actions_ended - not_done,
        failed=one.actions_failed,
        cancelled=one.actions_cancelled,
        skipped=one.actions_skipped,
        message=one.status_message or "",
        moves=_moves(sources, one.uuid, now) if one.actions_ongoing else (),
        rest=sources.rest(one) if one.open_position is not None else None,
    )


def _moves(sources: OverviewSources, plan: UUID, now: datetime) -> tuple[MoveLine, ...]:
    actions = sources.read.running_actions(plan)
    known = sources.progress.of([one.uuid for one in actions])
    return tuple(_move(one, known.get(one.uuid), now) for one in actions)


def _move(one: ActionView, progress: Progress | None, now: datetime) -> MoveLine:
    return MoveLine(
        uuid=one.uuid,
        action_type=one.action_type,
        target=action_target(one.input_parameters),
        seconds=(now - (one.started_at or now)).total_seconds(),
        percent=progress.percent if progress else None,
        detail=_detail(progress) if progress else "",
        size=one.size,
        copied=progress.copied if progress else None,
    )


def _detail(progress: Progress) -> str:
    return progress.detail if progress.because is None else str(progress.because)
