"""The port of the read models: the queries of the API and of the workers.

Views are plain values, and their fields are the columns of the read tables (``read_tables``).
``id`` is the creation order within a resource. Times are aware UTC.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from application.ports.columns import CaseFolded, Joined, Reference
from domain.kernel.aggregate import JsonObject
from domain.plans.estimate import Observed
from domain.plans.pace import Migration


@dataclass(frozen=True)
class GoalView:
    """A goal. ``efficacy_specification``: list of {name, description, unit, schema}."""

    id: int
    uuid: UUID
    name: CaseFolded[str]
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
    name: CaseFolded[str]
    display_name: str
    goal_uuid: Reference[UUID]
    goal_name: CaseFolded[Reference[str]]
    parameters_spec: JsonObject
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class AuditTemplateView:
    """An audit template."""

    id: int
    uuid: UUID
    name: CaseFolded[str]
    description: str | None
    goal_uuid: Reference[UUID]
    goal_name: CaseFolded[Reference[str]]
    strategy_uuid: UUID | None
    strategy_name: CaseFolded[str | None]
    scope: list[Any]
    default_parameters: JsonObject
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class AuditView:
    """An audit.

    Attributes:
        version: of the aggregate that the row shows.
        last_due: due time of the latest run.
        run_id, run_due, run_owner, run_not_before: of the run that has not ended.
        run_position: log position of the request for that run.
    """

    id: int
    uuid: UUID
    name: CaseFolded[str]
    audit_type: str
    state: str
    goal_uuid: Reference[UUID]
    goal_name: CaseFolded[Reference[str]]
    strategy_uuid: UUID | None
    strategy_name: CaseFolded[str | None]
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
    last_due: datetime | None
    run_id: UUID | None
    run_due: datetime | None
    run_owner: str | None
    run_not_before: datetime | None
    run_position: int | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class ActionPlanView:
    """An action plan.

    Attributes:
        efficacy_indicators, global_efficacy: lists of {name, description, unit, value}.
        notes: remarks of the strategy (rendered reasons).
        record, explanation: digests of the decision record and of the record of its reasons.
        owner: instance of the applier that executes it.
        actions_total, actions_ongoing: numbers of actions.
        actions_ended: all that ended; actions_failed, actions_cancelled, actions_skipped: of these.
        version: of the aggregate that the row shows.
        open_position: log position of the launch; None before it and when the plan has ended.
        undoes: the plan that it undoes, if it is a return plan.
        return_plan: id of the latest return plan that was requested for it; return_state: what
            became of the request (``ReturnState``); return_message: why none could be made.
    """

    id: int
    uuid: UUID
    audit_uuid: Reference[UUID]
    audit_deleted: Joined[bool]
    run_id: UUID
    goal_name: str
    strategy_uuid: Reference[UUID]
    strategy_name: CaseFolded[str]
    state: str
    efficacy_indicators: list[Any]
    global_efficacy: list[Any]
    notes: list[str]
    record: str
    explanation: str
    owner: str | None
    hostname: str | None
    status_message: str | None
    actions_total: int
    actions_ended: int
    actions_failed: int
    actions_cancelled: int
    actions_skipped: int
    actions_ongoing: int
    version: int
    open_position: int | None
    undoes: UUID | None
    return_plan: UUID | None
    return_state: str | None
    return_message: str | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class ActionView:
    """An action.

    Attributes:
        because: the reason for which the strategy proposed it, rendered.
        resource_key, resource_name_key: id and name of what it acts on; source_key,
            destination_key: names of the hosts of a move. Case-folded, to look actions up by them.
        size: bytes that it copies, None if it copies nothing or that is unknown.
        groups: ids of the server groups of the server that it acts on.
        open_position: log position of its latest intent, None unless it is ONGOING.
    """

    id: int
    uuid: UUID
    action_plan_uuid: UUID
    audit_uuid: UUID
    action_type: str
    description: Joined[str]
    state: str
    parents: list[str]
    input_parameters: JsonObject
    resource_key: str | None
    resource_name_key: str | None
    source_key: str | None
    destination_key: str | None
    because: str
    status_message: str | None
    attempt: int
    size: int | None
    groups: list[str]
    open_position: int | None
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: Joined[datetime | None]


@dataclass(frozen=True)
class ScoringEngineView:
    """A scoring engine."""

    id: int
    uuid: UUID
    name: CaseFolded[str]
    description: str
    metainfo: str | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class ActionTypeView:
    """An action type. ``parameters_schema``: ``{}`` if an older version registered it."""

    id: int
    name: str
    description: str
    parameters_schema: JsonObject
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class TimelineView:
    """An event: a sentence and its provenance. ``causation``: position of the causing event."""

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
    """Selects events by provenance. None = no limit.

    Attributes:
        actor: name of the user or component that caused the event.
        since, until: time of the event (until is exclusive).
    """

    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_EVENT = EventFilter()


@dataclass(frozen=True)
class StateCount:
    """Numbers of objects by state.

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
        not_before: time of the next attempt, while the run is deferred.
        position: of the event that requested it.
        force: whether it may start while an action plan is executed.
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
    """A launched plan that has not ended. ``position``: of the event that launched it."""

    plan_id: UUID
    state: str
    owner: str | None
    position: int


@dataclass(frozen=True)
class ServerMove:
    """A migration by Vigil that is in flight, or succeeded.

    Attributes:
        server: id of the server.
        source, destination: names of the hosts; empty if the action did not name them.
        ended_at: None while it is in flight.
    """

    server: str
    source: str
    destination: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class ContinuousAudit:
    """A continuous audit that the scheduler checks. ``run_open``: its latest run has not ended."""

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
    """The status of a projection.

    Attributes:
        position: log position that its tables reflect; lag: events behind the end of the log.
        quarantined: number of events that it could not process; error: text of the latest one.
        building: whether a new version of its tables is being built.
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
    """An event that a projection, or the reader of the log, could not process."""

    projection: str
    position: int
    topic: str
    aggregate_id: UUID
    error: str
    at: datetime


@dataclass(frozen=True)
class Page:
    """A page of a list and its order.

    Attributes:
        limit: maximum number of rows.
        marker: uuid (services: id) of the last row of the page before.
        sort_key: a column of the view; ``id`` = creation order.
        descending: direction of (sort_key, id).
        show_deleted: whether deleted rows are included.
    """

    limit: int = 1000
    marker: str | None = None
    sort_key: str = "id"
    descending: bool = False
    show_deleted: bool = False


@dataclass(frozen=True)
class PartOfAggregate:
    """An action of a plan, or a run of an audit."""

    kind: Literal["action", "run"]
    id: UUID
    aggregate_id: UUID


class MarkerNotFound(LookupError):
    """The row that a page's marker names does not exist (or is deleted and not shown)."""


class UnknownSortKey(LookupError):
    """The list cannot be sorted by this key."""


Filters = Mapping[str, str]
"""Column → value: ``goal``, ``strategy`` (uuid or name), ``audit_uuid``, ``action_plan_uuid``."""


class ReadModels(Protocol):
    """Queries. ``ident``: a uuid, a name (case-insensitive) or a numeric id, as text.

    All methods raise ``StoreUnavailable`` if the database does not answer.
    """

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

    def parts(self, first: UUID, last: UUID) -> list[PartOfAggregate]:
        """The first actions and runs whose id is between two ids (both included)."""
        ...

    def action_types(self) -> Mapping[str, JsonObject]:
        """Registered action type → JSON Schema of its parameters; ``{}`` if it is not recorded."""
        ...

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

    def state_counts(self) -> StateCount:
        """Numbers of plans and actions by state."""
        ...

    def open_runs(self, now: datetime) -> list[OpenRun]:
        """Requested runs that are due and not deferred beyond ``now``, oldest first."""
        ...

    def open_plans(self) -> list[OpenPlan]:
        """Plans that are PENDING, ONGOING or CANCELLING, oldest first."""
        ...

    def requested_returns(self) -> list[UUID]:
        """Plans of which a return plan is requested and not made yet."""
        ...

    def last_plan_event(self, topics: Collection[str], without: Collection[str]) -> datetime | None:
        """The time of the newest event of some topics of a plan; None without one.

        Args:
            topics: of the events.
            without: action types; plans with actions of these types only do not count.
        """
        ...

    def moves_since(self, since: datetime) -> list[ServerMove]:
        """Migrations that are in flight, or that succeeded after a time, oldest first."""
        ...

    def failed_moves(self, audit: UUID) -> list[str]:
        """Ids of the servers whose latest migration by a plan of an audit failed, in order."""
        ...

    def migrations(self, since: datetime) -> list[Migration]:
        """Migrations that are in progress, or that began or ended after a time; of all plans."""
        ...

    def durations(self, action_type: str, limit: int) -> list[Observed]:
        """The actions of a type that succeeded last."""
        ...

    def continuous_audits(self) -> list[ContinuousAudit]:
        """CONTINUOUS audits that are PENDING or ONGOING and have an interval."""
        ...

    def active_audits(self) -> list[AuditView]:
        """Audits that are PENDING or ONGOING, newest first."""
        ...

    def active_plans(self) -> list[ActionPlanView]:
        """Plans that have not ended, also those that wait for a user, newest first."""
        ...

    def running_actions(self, plan: UUID) -> list[ActionView]:
        """The ONGOING actions of a plan, in plan order."""
        ...

    def action_counts(self, plans: Collection[UUID], action_type: str) -> dict[UUID, int]:
        """Plan → number of its actions of a type, without plans that have none."""
        ...

    def unended_actions(self, plan: UUID) -> dict[UUID, datetime | None]:
        """The actions of a plan that have not ended → when they began, None if they have not."""
        ...

    def recommended_plans(self, audit_id: UUID | None = None) -> list[ActionPlanView]:
        """RECOMMENDED plans, oldest first."""
        ...

    def projections(self) -> list[ProjectionStatus]:
        """The status of each projection."""
        ...

    def quarantine(self, limit: int = 100) -> list[QuarantinedEvent]:
        """Quarantined events, newest first."""
        ...

    def await_position(self, position: int, timeout: float) -> bool:
        """Waits until the read tables reflect a log position.

        Returns:
            Whether it did within ``timeout`` seconds.
        """
        ...


OpenReads = Callable[[], ReadModels | None]
"""Opens the read models when they are needed; None if there are none."""
