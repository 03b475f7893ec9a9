"""What the overview of an installation consists of: the body of ``GET /v1/overview``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from application.ports.poison import PoisonedMessage
from application.ports.read_models import ProjectionStatus
from domain.plans.estimate import Estimate

Severity = Literal["warning", "blind", "failed"]
"""``blind``: what is shown of the cloud may be wrong. ``failed``: Vigil does not do its work."""


@dataclass(frozen=True)
class Problem:
    """Something that an operator should know or mend.

    Attributes:
        code: its kind, see ``application.queries.health``.
        subject: what it concerns.
        text: one sentence: what, since when, what to do.
        since: when it began, None if that is not known.
    """

    code: str
    severity: Severity
    subject: str
    text: str
    since: datetime | None = None


@dataclass(frozen=True)
class InstallationHealth:
    """The worst severity of the problems; ``ok`` without one."""

    state: Literal["ok", "warning", "blind", "failed"] = "ok"
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Supervised:
    """A process that `vigil up` supervises.

    Attributes:
        role: name of its command (``applier``).
        ready: whether it runs and has reported that it is ready.
        restarts: how often it was started again since `vigil up` began.
    """

    role: str
    ready: bool
    restarts: int


@dataclass(frozen=True)
class InstallationInfo:
    """The installation.

    Attributes:
        version: of Vigil.
        cloud: its name, None if it is not known.
        database: URL without its password.
        simulated: whether the cloud is simulated.
        pid: of a running `vigil up`, None if there is none on this machine.
        api_url: of that process.
    """

    version: str
    database: str
    cloud: str | None = None
    simulated: bool = False
    pid: int | None = None
    api_url: str | None = None


@dataclass(frozen=True)
class ActuationLine:
    """The switch that stops all changes to the cloud. ``reason``: why it is off."""

    on: bool = True
    reason: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class RoleLine:
    """A role on a host.

    Attributes:
        name: of the service (``watcher-applier``), or of the role if it sends no heartbeats.
        host: None for a role that sends no heartbeats: it runs where `vigil up` runs.
        state: ``ACTIVE`` or ``FAILED``.
        last_seen_up: time of its last heartbeat, age: seconds since then; None without heartbeats.
        restarts: since `vigil up` began, None if it was not started by it.
        doing: one phrase, empty when idle.
    """

    name: str
    host: str | None
    state: Literal["ACTIVE", "FAILED"]
    last_seen_up: datetime | None = None
    age: float | None = None
    restarts: int | None = None
    doing: str = ""


@dataclass(frozen=True)
class ModelLine:
    """A collected model of a cloud.

    Attributes:
        age: seconds since the model was last confirmed by a collection, None before the first one.
        problems: number of unusable records.
        failure: why the last collection failed; failing_since: when the failures began.
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
    failing_since: datetime | None = None


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
class RunningLine:
    """A running action.

    Attributes:
        target: the resource and its change.
        seconds: since its start.
        percent: progress, None if unknown.
        size: bytes that it copies, copied: that it has copied, None if unknown.
        rate: mean bytes per second since its start, None if unknown.
        stalled: whether its progress has not changed for ``health.STALLED_AFTER`` seconds;
            unchanged_since: since when it has not changed, None if unknown.
    """

    uuid: UUID
    action_type: str
    target: str
    seconds: float
    percent: float | None
    detail: str
    size: int | None = None
    copied: int | None = None
    rate: float | None = None
    stalled: bool = False
    unchanged_since: datetime | None = None


@dataclass(frozen=True)
class Gain:
    """An indicator of a plan's efficacy. ``value``: after the plan, as the strategy computed it."""

    name: str
    value: Any
    unit: str | None


@dataclass(frozen=True)
class PlanLine:
    """A plan and its running actions.

    Attributes:
        age: seconds since it was proposed.
        total, ongoing, pending: numbers of actions.
        ended: the sum of succeeded, failed, cancelled and skipped.
        gain: its first global efficacy indicator, None if it has none.
        moves: number of actions that migrate servers.
        rest: how long the rest of a launched plan takes, None for others.
    """

    uuid: UUID
    state: str
    goal: str
    strategy: str
    audit_uuid: UUID | None
    created_at: datetime
    age: float
    total: int
    ended: int
    ongoing: int
    succeeded: int
    failed: int
    cancelled: int
    skipped: int
    pending: int
    message: str
    gain: Gain | None = None
    moves: int = 0
    running: tuple[RunningLine, ...] = ()
    rest: Estimate | None = None


@dataclass(frozen=True)
class EventLine:
    """An event. ``audit``, ``plan``: which one it is about, or whose run or action it is about."""

    position: int
    at: datetime
    actor: str
    actor_kind: str
    type: str
    summary: str
    audit: UUID | None = None
    plan: UUID | None = None


@dataclass(frozen=True)
class Overview:
    """The state of the installation.

    Attributes:
        end: position of the last event.
        quarantined: number of events that projections could not process.
        discarded_messages: messages that consumers discarded, newest first.
        events: the newest ones, newest last.
    """

    at: datetime
    installation: InstallationInfo
    end: int = 0
    health: InstallationHealth = InstallationHealth()
    actuation: ActuationLine = ActuationLine()
    roles: tuple[RoleLine, ...] = ()
    models: tuple[ModelLine, ...] = ()
    audits: tuple[AuditLine, ...] = ()
    plans: tuple[PlanLine, ...] = ()
    projections: tuple[ProjectionStatus, ...] = ()
    quarantined: int = 0
    discarded_messages: tuple[PoisonedMessage, ...] = ()
    events: tuple[EventLine, ...] = ()
