from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, and_, false, func, or_, select

from application.ports.clock import Clock
from application.ports.read_models import (
    EVERY_EVENT,
    ActionPlanView,
    ActionView,
    AuditTemplateView,
    AuditView,
    ContinuousAudit,
    EventFilter,
    Filters,
    GoalView,
    OpenPlan,
    OpenRun,
    Page,
    PartOfAggregate,
    ProjectionStatus,
    QuarantinedEvent,
    ScoringEngineView,
    ServerMove,
    StateCount,
    StrategyView,
    TimelineView,
)
from domain.audits.events import AuditRunRequested
from domain.kernel.aggregate import JsonObject
from domain.plans.action import IN_PROGRESS, ActionState
from domain.plans.action_types.migrate import MIGRATE
from domain.plans.estimate import Observed, way_of
from domain.plans.pace import Migration
from domain.plans.parallelism import hosts_of
from domain.plans.returning import ReturnState
from infrastructure.read_models import resources
from infrastructure.read_models.engine import bell, outages, reading
from infrastructure.read_models.paging import Condition, ListedResource, found, listed
from infrastructure.read_models.resources import (
    ACTION_PLANS,
    ACTION_TYPES,
    ACTIONS,
    AUDITS,
    TIMELINE,
)
from infrastructure.read_models.schema import PROJECTIONS, QUARANTINE, columns_of
from infrastructure.read_models.waiting import await_position

V = TypeVar("V")

UNLIMITED = 1_000_000
"""Limit of a list that is read as a whole."""
SOME = 10
"""Parts of aggregates that are listed: more than one is ambiguous."""
ALL_NEWEST_FIRST = Page(limit=UNLIMITED, descending=True)


class SqlReadModels:
    """Queries on SQLite or PostgreSQL, through the SQL views on the active generations.

    Args:
        engine: as ``open_engine`` makes it.
        clock: for the wait for a position.
        log_end: returns the position of the last event of the log, for the lag of projections.
    """

    def __init__(self, engine: Engine, clock: Clock, log_end: Callable[[], int]) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._bell = bell(engine)
        self._clock = clock
        self._log_end = log_end

    # -- resources ---------------------------------------------------------------------------------

    def goal(self, ident: str, *, show_deleted: bool = False) -> GoalView | None:
        """A goal."""
        return self._find(resources.GOAL, ident, show_deleted=show_deleted)

    def goals(self, page: Page) -> list[GoalView]:
        """Goals."""
        return self._list(resources.GOAL, page)

    def strategy(self, ident: str, *, show_deleted: bool = False) -> StrategyView | None:
        """A strategy."""
        return self._find(resources.STRATEGY, ident, show_deleted=show_deleted)

    def strategies(self, page: Page, filters: Filters) -> list[StrategyView]:
        """Strategies. Filter: ``goal``."""
        return self._list(resources.STRATEGY, page, filters)

    def scoring_engine(self, ident: str, *, show_deleted: bool = False) -> ScoringEngineView | None:
        """A scoring engine."""
        return self._find(resources.SCORING_ENGINE, ident, show_deleted=show_deleted)

    def scoring_engines(self, page: Page) -> list[ScoringEngineView]:
        """Scoring engines."""
        return self._list(resources.SCORING_ENGINE, page)

    def audit_template(self, ident: str, *, show_deleted: bool = False) -> AuditTemplateView | None:
        """An audit template."""
        return self._find(resources.AUDIT_TEMPLATE, ident, show_deleted=show_deleted)

    def audit_templates(self, page: Page, filters: Filters) -> list[AuditTemplateView]:
        """Audit templates. Filters: ``goal``, ``strategy``."""
        return self._list(resources.AUDIT_TEMPLATE, page, filters)

    def audit(self, ident: str, *, show_deleted: bool = False) -> AuditView | None:
        """An audit."""
        return self._find(resources.AUDIT, ident, show_deleted=show_deleted)

    def audits(self, page: Page, filters: Filters) -> list[AuditView]:
        """Audits. Filters: ``goal``, ``strategy``."""
        return self._list(resources.AUDIT, page, filters)

    def action_plan(self, ident: UUID, *, show_deleted: bool = False) -> ActionPlanView | None:
        """An action plan."""
        return self._find(resources.ACTION_PLAN, str(ident), show_deleted=show_deleted)

    def action_plans(self, page: Page, filters: Filters) -> list[ActionPlanView]:
        """Action plans. Filters: ``audit_uuid``, ``strategy``."""
        return self._list(resources.ACTION_PLAN, page, filters)

    def action(self, ident: UUID, *, show_deleted: bool = False) -> ActionView | None:
        """An action."""
        return self._find(resources.ACTION, str(ident), show_deleted=show_deleted)

    def actions(self, page: Page, filters: Filters) -> list[ActionView]:
        """Actions. Filters: ``action_plan_uuid``, ``audit_uuid``."""
        return self._list(resources.ACTION, page, filters)

    def active_audits(self) -> list[AuditView]:
        """Audits that are PENDING or ONGOING, newest first."""
        active = AUDITS.c.state.in_(("PENDING", "ONGOING"))
        return self._list(resources.AUDIT, ALL_NEWEST_FIRST, {}, active)

    def active_plans(self) -> list[ActionPlanView]:
        """Plans that have not ended, also those that wait for a user, newest first."""
        active = ACTION_PLANS.c.state.in_(("PENDING", "ONGOING", "CANCELLING", "RECOMMENDED"))
        return self._list(resources.ACTION_PLAN, ALL_NEWEST_FIRST, {}, active)

    def running_actions(self, plan: UUID) -> list[ActionView]:
        """The actions of a plan that are in progress, in plan order."""
        filters = {"action_plan_uuid": str(plan)}
        running = ACTIONS.c.state.in_(IN_PROGRESS)
        return self._list(resources.ACTION, Page(limit=UNLIMITED), filters, running)

    def action_counts(self, plans: Collection[UUID], action_type: str) -> dict[UUID, int]:
        """Plan → number of its actions of a type, without plans that have none."""
        row = ACTIONS.c
        query = (
            select(row.action_plan_uuid, func.count())
            .where(row.action_plan_uuid.in_(plans), row.action_type == action_type)
            .group_by(row.action_plan_uuid)
        )
        return dict(map(tuple, self._rows(query)))

    def unended_actions(self, plan: UUID) -> dict[UUID, datetime | None]:
        """The actions of a plan that have not ended → when they began, None if they have not."""
        row = ACTIONS.c
        query = select(row.uuid, row.started_at).where(
            row.action_plan_uuid == plan, row.ended_at.is_(None)
        )
        return dict(map(tuple, self._rows(query)))

    def recommended_plans(self, audit_id: UUID | None = None) -> list[ActionPlanView]:
        """RECOMMENDED plans, oldest first."""
        filters = {} if audit_id is None else {"audit_uuid": str(audit_id)}
        recommended = ACTION_PLANS.c.state == "RECOMMENDED"
        return self._list(resources.ACTION_PLAN, Page(limit=UNLIMITED), filters, recommended)

    def action_types(self) -> dict[str, JsonObject]:
        """Registered action type → JSON Schema of its parameters; ``{}`` if it is not recorded."""
        row = ACTION_TYPES.c
        query = select(row.name, row.parameters_schema).where(row.deleted_at.is_(None))
        return dict(map(tuple, self._rows(query)))

    # -- events and counts -------------------------------------------------------------------------

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
        row = TIMELINE.c
        wanted: list[Condition] = [row.position > after]
        if aggregate_ids:
            wanted.append(row.aggregate_id.in_(aggregate_ids))
        if correlation_id is not None:
            wanted.append(row.correlation_id == correlation_id)
        if topics:
            wanted.append(row.topic.in_(topics))
        wanted += _provenance(only)
        order = row.position.desc() if newest_first else row.position
        query = select(TIMELINE).where(*wanted).order_by(order).limit(limit)
        return [TimelineView(*one) for one in self._rows(query)]

    def parts(self, first: UUID, last: UUID) -> list[PartOfAggregate]:
        """The first actions and runs whose id is between two ids (both included)."""
        action, row = ACTIONS.c, TIMELINE.c
        actions = (
            select(action.uuid, action.action_plan_uuid)
            .where(action.uuid.between(first, last))
            .limit(SOME)
        )
        runs = (
            select(row.correlation_id, row.aggregate_id)
            .where(row.correlation_id.between(first, last), row.topic == AuditRunRequested.TOPIC)
            .limit(SOME)
        )
        found = [PartOfAggregate("action", *one) for one in self._rows(actions)]
        return [*found, *(PartOfAggregate("run", *one) for one in self._rows(runs))]

    def state_counts(self) -> StateCount:
        """Numbers of plans and actions by state. Ended plans are only counted, from an index."""
        plan, action = ACTION_PLANS.c, ACTIONS.c
        plans = (
            select(plan.state, func.count()).where(plan.deleted_at.is_(None)).group_by(plan.state)
        )
        actions = (
            select(action.state, func.count())
            .join_from(ACTION_PLANS, ACTIONS, action.action_plan_uuid == plan.uuid)
            .where(plan.open_position.is_not(None))
            .group_by(action.state)
        )
        return StateCount(
            dict(map(tuple, self._rows(plans))), dict(map(tuple, self._rows(actions)))
        )

    # -- work for the workers ----------------------------------------------------------------------

    def open_runs(self, now: datetime) -> list[OpenRun]:
        """Requested runs that are due and not deferred beyond ``now``, oldest first."""
        row = AUDITS.c
        query = (
            select(
                row.uuid,
                row.run_id,
                row.run_due,
                row.run_owner,
                row.run_not_before,
                row.run_position,
                row.force,
            )
            .where(
                row.run_position.is_not(None),
                row.run_due <= now,
                or_(row.run_not_before.is_(None), row.run_not_before <= now),
            )
            .order_by(row.run_position)
        )
        return [OpenRun(*one) for one in self._rows(query)]

    def open_plans(self) -> list[OpenPlan]:
        """Plans that are PENDING, ONGOING or CANCELLING, oldest first."""
        row = ACTION_PLANS.c
        query = (
            select(row.uuid, row.state, row.owner, row.open_position)
            .where(row.open_position.is_not(None))
            .order_by(row.open_position)
        )
        return [OpenPlan(*one) for one in self._rows(query)]

    def requested_returns(self) -> list[UUID]:
        """Plans of which a return plan is requested and not made yet."""
        row = ACTION_PLANS.c
        query = select(row.uuid).where(row.return_state == ReturnState.REQUESTED).order_by(row.id)
        return [plan for (plan,) in self._rows(query)]

    def last_plan_event(self, topics: Collection[str], without: Collection[str]) -> datetime | None:
        """The time of the newest event of some topics of a plan; None without one."""
        event, action = TIMELINE.c, ACTIONS.c
        of_plan = select(action.uuid).where(action.action_plan_uuid == event.aggregate_id)
        query = (
            select(event.at)
            .where(
                event.topic.in_(topics),
                # a plan that the other projection has not reached yet counts
                or_(~of_plan.exists(), of_plan.where(action.action_type.not_in(without)).exists()),
            )
            .order_by(event.position.desc())
            .limit(1)
        )
        return next((at for (at,) in self._rows(query)), None)

    def moves_since(self, since: datetime) -> list[ServerMove]:
        """Migrations that are in flight, or that succeeded after a time, oldest first."""
        plan, action = ACTION_PLANS.c, ACTIONS.c
        query = (
            select(action.input_parameters, action.started_at, action.ended_at)
            .join_from(ACTION_PLANS, ACTIONS, action.action_plan_uuid == plan.uuid)
            .where(
                or_(plan.open_position.is_not(None), plan.updated_at >= since),
                action.action_type == MIGRATE,
                or_(
                    action.state.in_(IN_PROGRESS),
                    and_(action.state == ActionState.SUCCEEDED, action.ended_at >= since),
                ),
            )
            .order_by(action.started_at, action.id)
        )
        return [_server_move(*one) for one in self._rows(query)]

    def failed_moves(self, audit: UUID) -> list[str]:
        """Ids of the servers whose latest migration by a plan of an audit failed, in order."""
        action, ended = ACTIONS.c, (ActionState.FAILED, ActionState.SUCCEEDED)
        query = (
            select(action.input_parameters, action.state)
            .where(
                action.audit_uuid == audit,
                action.action_type == MIGRATE,
                action.state.in_(ended),
            )
            .order_by(action.ended_at, action.id)
        )
        latest = {str(given.get("resource_id")): state for given, state in self._rows(query)}
        return sorted(one for one, state in latest.items() if state == ActionState.FAILED)

    def migrations(self, since: datetime) -> list[Migration]:
        """Migrations that are in progress, or that began or ended after a time; of all plans."""
        action = ACTIONS.c
        columns = (
            action.uuid,
            action.input_parameters,
            action.groups,
            action.started_at,
            action.ended_at,
            action.state,
            action.open_position,
        )
        ended = select(*columns).where(
            action.action_type == MIGRATE,
            action.ended_at >= since,
            action.started_at.is_not(None),
        )
        running = select(*columns).where(
            action.action_type == MIGRATE, action.open_position.is_not(None)
        )
        return [_migration(*one) for query in (running, ended) for one in self._rows(query)]

    def durations(self, action_type: str, limit: int) -> list[Observed]:
        """The actions of a type that succeeded last."""
        action = ACTIONS.c
        query = (
            select(action.started_at, action.ended_at, action.size, action.input_parameters)
            .where(
                action.action_type == action_type,
                action.ended_at.is_not(None),
                action.state == ActionState.SUCCEEDED,
            )
            .order_by(action.ended_at.desc())
            .limit(limit)
        )
        return [
            Observed((ended - started).total_seconds(), size, way_of(parameters))
            for started, ended, size, parameters in self._rows(query)
        ]

    def continuous_audits(self) -> list[ContinuousAudit]:
        """CONTINUOUS audits that are PENDING or ONGOING and have an interval."""
        row = AUDITS.c
        query = (
            select(
                row.uuid,
                row.state,
                row.interval,
                row.last_due,
                row.run_id.is_not(None),
                row.start_time,
                row.end_time,
                row.created_at,
            )
            .where(
                row.audit_type == "CONTINUOUS",
                row.state.in_(("PENDING", "ONGOING")),
                row.interval.is_not(None),
            )
            .order_by(row.id)
        )
        return [ContinuousAudit(*one) for one in self._rows(query)]

    # -- projections -------------------------------------------------------------------------------

    def projections(self) -> list[ProjectionStatus]:
        """The status of each projection."""
        row, bad = PROJECTIONS.c, QUARANTINE.c
        of_this = and_(bad.projection == row.name, bad.generation == row.generation)
        count = select(func.count()).select_from(QUARANTINE).where(of_this).scalar_subquery()
        latest = (
            select(bad.error).where(of_this).order_by(bad.position.desc()).limit(1)
        ).scalar_subquery()
        other = PROJECTIONS.alias("other")
        building = (
            select(other.c.name).where(other.c.name == row.name, other.c.active == false())
        ).exists()
        query = (
            select(row.name, row.version, row.position, count, latest, building)
            .where(row.active)
            .order_by(row.name)
        )
        rows = self._rows(query)  # before the log: fails at once if this database is unavailable
        end = self._log_end()
        return [
            ProjectionStatus(name, version, position, max(0, end - position), bad, error, built)
            for name, version, position, bad, error, built in rows
        ]

    def quarantine(self, limit: int = 100) -> list[QuarantinedEvent]:
        """Quarantined events, newest first."""
        row = QUARANTINE.c
        query = (
            select(*columns_of(QuarantinedEvent, QUARANTINE))
            .where(_of_active_generation())
            .order_by(row.position.desc(), row.projection)
            .limit(limit)
        )
        return [QuarantinedEvent(*one) for one in self._rows(query)]

    def await_position(self, position: int, timeout: float) -> bool:
        """Waits until the read tables reflect a log position; returns whether they do."""
        with self._connection() as connection:
            return await_position(connection, self._clock, position, timeout, self._bell)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    # -- plumbing ----------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with outages(self._engine), self._reading.connect() as connection:
            yield connection

    def _find(self, resource: ListedResource[V], ident: str, *, show_deleted: bool) -> V | None:
        with self._connection() as connection:
            return found(connection, resource, ident, show_deleted=show_deleted)

    def _list(
        self,
        resource: ListedResource[V],
        page: Page,
        filters: Filters | None = None,
        *conditions: Condition,
    ) -> list[V]:
        with self._connection() as connection:
            return listed(connection, resource, page, filters or {}, *conditions)

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        with self._connection() as connection:
            return connection.execute(query).all()


def _provenance(only: EventFilter) -> list[Condition]:
    row = TIMELINE.c
    wanted: list[Condition] = []
    if only.actor is not None:
        wanted.append(row.actor == only.actor)
    if only.since is not None:
        wanted.append(row.at >= only.since)
    if only.until is not None:
        wanted.append(row.at < only.until)
    return wanted


def _of_active_generation() -> Condition:
    row, bad = PROJECTIONS.c, QUARANTINE.c
    return (
        select(row.name)
        .where(row.name == bad.projection, row.generation == bad.generation, row.active)
        .exists()
    )


def _server_move(
    parameters: JsonObject, started_at: datetime, ended_at: datetime | None
) -> ServerMove:
    named = ("resource_id", "source_node", "destination_node")
    server, source, destination = (str(parameters.get(name) or "") for name in named)
    return ServerMove(server, source, destination, started_at, ended_at)


def _migration(
    action: UUID,
    parameters: JsonObject,
    groups: list[str],
    began_at: datetime,
    ended_at: datetime | None,
    state: str,
    position: int | None,
) -> Migration:
    return Migration(
        action=action,
        server=str(parameters.get("resource_id") or ""),
        hosts=hosts_of(parameters),
        groups=tuple(groups),
        began_at=began_at,
        ended_at=ended_at,
        moved=state in (ActionState.ONGOING, ActionState.SUCCEEDED),
        position=position,
    )
