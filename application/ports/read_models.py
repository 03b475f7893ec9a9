"""The port of the read models: everything that a GET shows and a worker looks for.

Views are plain values. ``id`` is the creation order within a resource. Times are aware UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.kernel.aggregate import JsonObject


@dataclass(frozen=True)
class GoalView:
    """A goal. ``efficacy_specification``: list of {name, description, unit, schema}."""

    id: int
    uuid: UUID
    name: str
    display_name: str
    efficacy_specification: list[Any]
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class StrategyView:
    """A strategy. ``parameters_spec``: its JSON Schema, ``{}`` if it has none."""

    id: int
    uuid: UUID
    name: str
    display_name: str
    goal_uuid: UUID | None
    goal_name: str | None
    parameters_spec: JsonObject
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class AuditTemplateView:
    """An audit template."""

    id: int
    uuid: UUID
    name: str
    description: str | None
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    scope: list[Any]
    default_parameters: JsonObject
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class AuditView:
    """An audit. ``version`` is that of the aggregate the row shows."""

    id: int
    uuid: UUID
    name: str
    audit_type: str
    state: str
    goal_uuid: UUID | None
    goal_name: str | None
    strategy_uuid: UUID | None
    strategy_name: str | None
    interval: str | None
    scope: list[Any]
    parameters: JsonObject
    auto_trigger: bool
    force: bool
    next_run_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    hostname: str | None
    status_message: str | None
    version: int
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class ActionPlanView:
    """An action plan.

    Attributes:
        efficacy_indicators, global_efficacy: lists of {name, description, unit, value}.
        notes: what the strategy remarked (rendered reasons).
        record, explanation: digests of the decision record and of the record of its reasons.
        actions_total, actions_ended, actions_ongoing: for progress displays.
    """

    id: int
    uuid: UUID
    audit_uuid: UUID | None
    audit_deleted: bool
    run_id: UUID
    goal_name: str
    strategy_uuid: UUID | None
    strategy_name: str
    state: str
    efficacy_indicators: list[Any]
    global_efficacy: list[Any]
    notes: list[str]
    record: str
    hostname: str | None
    status_message: str | None
    actions_total: int
    actions_ended: int
    actions_ongoing: int
    version: int
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None
    explanation: str = ""


@dataclass(frozen=True)
class ActionView:
    """An action. ``because``: why the strategy wanted it, rendered."""

    id: int
    uuid: UUID
    action_plan_uuid: UUID
    action_type: str
    description: str
    state: str
    parents: list[str]
    input_parameters: JsonObject
    because: str
    status_message: str | None
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class ScoringEngineView:
    """A scoring engine."""

    id: int
    uuid: UUID
    name: str
    description: str
    metainfo: str | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class TimelineView:
    """One event, as a sentence with its provenance."""

    position: int
    at: datetime
    topic: str
    aggregate_id: UUID
    version: int
    actor: str
    actor_kind: str
    request_id: str | None
    correlation_id: UUID | None
    causation: int | None
    summary: str


@dataclass(frozen=True)
class EventFilter:
    """Which events are wanted beyond what they happened to. None = no limit.

    Attributes:
        actor: name of whoever caused them.
        since, until: when (until is exclusive).
    """

    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_EVENT = EventFilter()


@dataclass(frozen=True)
class StateCount:
    """How much there is.

    Attributes:
        plans: state → action plans that are not deleted.
        actions: state → actions of plans that are PENDING, ONGOING or CANCELLING.
    """

    plans: Mapping[str, int]
    actions: Mapping[str, int]


@dataclass(frozen=True)
class OpenRun:
    """A run that was requested and has not ended.

    Attributes:
        not_before: set while a run that was put off was not claimed again.
        position: of the event that requested it.
        force: whether it may begin while a plan is being executed.
    """

    audit_id: UUID
    run_id: UUID
    due: datetime
    owner: str | None
    not_before: datetime | None
    position: int
    force: bool


@dataclass(frozen=True)
class OpenPlan:
    """A plan that was launched and has not ended. ``position``: of the event that launched it."""

    plan_id: UUID
    state: str
    owner: str | None
    position: int


@dataclass(frozen=True)
class ContinuousAudit:
    """A continuous audit, as the scheduler needs it."""

    audit_id: UUID
    state: str
    interval: str
    last_due: datetime | None
    run_open: bool
    start_time: datetime | None
    end_time: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class ProjectionStatus:
    """How a projection stands.

    Attributes:
        position: log position that its tables reflect; lag: events behind the end of the log.
        quarantined: events that it could not take in; error: the latest one's text.
    """

    name: str
    version: int
    position: int
    lag: int
    quarantined: int
    error: str | None
    building: bool


@dataclass(frozen=True)
class QuarantinedEvent:
    """An event that a projection (or the log's reader) could not take in."""

    projection: str
    position: int
    topic: str
    aggregate_id: UUID
    error: str
    at: datetime


@dataclass(frozen=True)
class Page:
    """Which part of a list, in which order.

    Attributes:
        limit: at most so many rows.
        marker: uuid (services: id) of the row before the first wanted one.
        sort_key: a column of the view; ``id`` = creation order.
        descending: direction of (sort_key, id).
        show_deleted: whether deleted rows are included.
    """

    limit: int = 1000
    marker: str | None = None
    sort_key: str = "id"
    descending: bool = False
    show_deleted: bool = False


class MarkerNotFound(LookupError):
    """The row that a page's marker names does not exist (or is deleted and not shown)."""


class UnknownSortKey(LookupError):
    """A list cannot be sorted by what a page names."""


Filters = Mapping[str, str]
"""Column → value: ``goal``, ``strategy`` (uuid or name), ``audit_uuid``, ``action_plan_uuid``."""


class ReadModels(Protocol):
    """Queries. Single lookups take a uuid, a name (without case) or a numeric id as text."""

    def goal(self, ident: str, *, show_deleted: bool = False) -> GoalView | None: ...
    def goals(self, page: Page) -> list[GoalView]: ...
    def strategy(self, ident: str, *, show_deleted: bool = False) -> StrategyView | None: ...
    def strategies(self, page: Page, filters: Filters) -> list[StrategyView]: ...
    def scoring_engine(
        self, ident: str, *, show_deleted: bool = False
    ) -> ScoringEngineView | None: ...
    def scoring_engines(self, page: Page) -> list[ScoringEngineView]: ...
    def audit_template(
        self, ident: str, *, show_deleted: bool = False
    ) -> AuditTemplateView | None: ...
    def audit_templates(self, page: Page, filters: Filters) -> list[AuditTemplateView]: ...
    def audit(self, ident: str, *, show_deleted: bool = False) -> AuditView | None: ...
    def audits(self, page: Page, filters: Filters) -> list[AuditView]: ...
    def action_plan(self, ident: UUID, *, show_deleted: bool = False) -> ActionPlanView | None: ...
    def action_plans(self, page: Page, filters: Filters) -> list[ActionPlanView]: ...
    def action(self, ident: UUID, *, show_deleted: bool = False) -> ActionView | None: ...
    def actions(self, page: Page, filters: Filters) -> list[ActionView]: ...

    def timeline(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        aggregate_ids: Sequence[UUID] = (),
        correlation_id: UUID | None = None,
        topics: Sequence[str] = (),
        only: EventFilter = EVERY_EVENT,
        newest_first: bool = False,
    ) -> list[TimelineView]:
        """Events by position."""
        ...

    def tally(self) -> StateCount:
        """How much there is, by state."""
        ...

    def open_runs(self, now: datetime) -> list[OpenRun]:
        """Requested runs that are due and not deferred beyond ``now``, oldest first."""
        ...

    def open_plans(self) -> list[OpenPlan]:
        """Plans that are PENDING, ONGOING or CANCELLING, oldest first."""
        ...

    def schedules(self) -> list[ContinuousAudit]:
        """CONTINUOUS audits that are PENDING or ONGOING."""
        ...

    def recommended_plans(self, audit_id: UUID | None = None) -> list[ActionPlanView]:
        """RECOMMENDED plans, oldest first."""
        ...

    def projections(self) -> list[ProjectionStatus]:
        """How each projection stands."""
        ...

    def quarantine(self, limit: int = 100) -> list[QuarantinedEvent]:
        """Events that could not be taken in, newest first."""
        ...

    def await_position(self, position: int, timeout: float) -> bool:
        """Waits until every projection that queries read has passed a position.

        Returns:
            Whether it did within ``timeout`` seconds.
        """
        ...
