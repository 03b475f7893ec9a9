from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
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
    ProjectionStatus,
    QuarantinedEvent,
    ScoringEngineView,
    StateCount,
    StrategyView,
    TimelineView,
)
from infrastructure.read_models import resources
from infrastructure.read_models.engine import outages, reading
from infrastructure.read_models.paging import Condition, found, listed
from infrastructure.read_models.resources import ACTION_PLANS, ACTIONS, AUDITS, TIMELINE
from infrastructure.read_models.schema import PROJECTIONS, QUARANTINE
from infrastructure.read_models.waiting import await_position

UNLIMITED = 1_000_000
"""Rows of a list that a worker reads whole."""


class SqlReadModels:
    """Queries on SQLite or PostgreSQL, through the views onto the shown generations.

    Args:
        engine: as ``open_engine`` makes it.
        clock: paces the wait for a position.
        log_end: the position of the last event of the log, to tell how far projections lag.
    """

    def __init__(self, engine: Engine, clock: Clock, log_end: Callable[[], int]) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._clock = clock
        self._log_end = log_end

    # -- resources -------------------------------------------------------------------------------

    def goal(self, ident: str, *, show_deleted: bool = False) -> GoalView | None:
        """A goal."""
        with self._connection() as connection:
            return found(connection, resources.GOAL, ident, show_deleted=show_deleted)

    def goals(self, page: Page) -> list[GoalView]:
        """Goals."""
        with self._connection() as connection:
            return listed(connection, resources.GOAL, page, {})

    def strategy(self, ident: str, *, show_deleted: bool = False) -> StrategyView | None:
        """A strategy."""
        with self._connection() as connection:
            return found(connection, resources.STRATEGY, ident, show_deleted=show_deleted)

    def strategies(self, page: Page, filters: Filters) -> list[StrategyView]:
        """Strategies. Filter: ``goal``."""
        with self._connection() as connection:
            return listed(connection, resources.STRATEGY, page, filters)

    def scoring_engine(self, ident: str, *, show_deleted: bool = False) -> ScoringEngineView | None:
        """A scoring engine."""
        with self._connection() as connection:
            return found(connection, resources.SCORING_ENGINE, ident, show_deleted=show_deleted)

    def scoring_engines(self, page: Page) -> list[ScoringEngineView]:
        """Scoring engines."""
        with self._connection() as connection:
            return listed(connection, resources.SCORING_ENGINE, page, {})

    def audit_template(self, ident: str, *, show_deleted: bool = False) -> AuditTemplateView | None:
        """An audit template."""
        with self._connection() as connection:
            return found(connection, resources.AUDIT_TEMPLATE, ident, show_deleted=show_deleted)

    def audit_templates(self, page: Page, filters: Filters) -> list[AuditTemplateView]:
        """Audit templates. Filters: ``goal``, ``strategy``."""
        with self._connection() as connection:
            return listed(connection, resources.AUDIT_TEMPLATE, page, filters)

    def audit(self, ident: str, *, show_deleted: bool = False) -> AuditView | None:
        """An audit."""
        with self._connection() as connection:
            return found(connection, resources.AUDIT, ident, show_deleted=show_deleted)

    def audits(self, page: Page, filters: Filters) -> list[AuditView]:
        """Audits. Filters: ``goal``, ``strategy``."""
        with self._connection() as connection:
            return listed(connection, resources.AUDIT, page, filters)

    def action_plan(self, ident: UUID, *, show_deleted: bool = False) -> ActionPlanView | None:
        """An action plan."""
        with self._connection() as connection:
            return found(connection, resources.ACTION_PLAN, str(ident), show_deleted=show_deleted)

    def action_plans(self, page: Page, filters: Filters) -> list[ActionPlanView]:
        """Action plans. Filters: ``audit_uuid``, ``strategy``."""
        with self._connection() as connection:
            return listed(connection, resources.ACTION_PLAN, page, filters)

    def action(self, ident: UUID, *, show_deleted: bool = False) -> ActionView | None:
        """An action."""
        with self._connection() as connection:
            return found(connection, resources.ACTION, str(ident), show_deleted=show_deleted)

    def actions(self, page: Page, filters: Filters) -> list[ActionView]:
        """Actions. Filters: ``action_plan_uuid``, ``audit_uuid``."""
        with self._connection() as connection:
            return listed(connection, resources.ACTION, page, filters)

    def recommended_plans(self, audit_id: UUID | None = None) -> list[ActionPlanView]:
        """RECOMMENDED plans, oldest first."""
        filters = {} if audit_id is None else {"audit_uuid": str(audit_id)}
        recommended = ACTION_PLANS.c.state == "RECOMMENDED"
        with self._connection() as connection:
            page = Page(limit=UNLIMITED)
            return listed(connection, resources.ACTION_PLAN, page, filters, recommended)

    # -- what happened ---------------------------------------------------------------------------

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

    def state_counts(self) -> StateCount:
        """How much there is, by state. Finished work is only counted, from an index."""
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

    # -- what workers look for -------------------------------------------------------------------

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

    def continuous_audits(self) -> list[ContinuousAudit]:
        """CONTINUOUS audits that are PENDING or ONGOING."""
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

    # -- how projections stand -------------------------------------------------------------------

    def projections(self) -> list[ProjectionStatus]:
        """How each projection stands."""
        row, bad = PROJECTIONS.c, QUARANTINE.c
        its_bad = and_(bad.projection == row.name, bad.generation == row.generation)
        count = select(func.count()).select_from(QUARANTINE).where(its_bad).scalar_subquery()
        latest = (
            select(bad.error).where(its_bad).order_by(bad.position.desc()).limit(1)
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
        rows = self._rows(query)  # first: it says at once if the database is away
        end = self._log_end()
        return [
            ProjectionStatus(name, version, position, max(0, end - position), bad, error, built)
            for name, version, position, bad, error, built in rows
        ]

    def quarantine(self, limit: int = 100) -> list[QuarantinedEvent]:
        """Events that could not be taken in, newest first."""
        row = QUARANTINE.c
        query = (
            select(row.projection, row.position, row.topic, row.aggregate_id, row.error, row.at)
            .where(_of_shown_generation())
            .order_by(row.position.desc(), row.projection)
            .limit(limit)
        )
        return [QuarantinedEvent(*one) for one in self._rows(query)]

    def await_position(self, position: int, timeout: float) -> bool:
        """Waits until every projection that queries read has passed a position."""
        with self._connection() as connection:
            return await_position(connection, self._clock, position, timeout)

    def close(self) -> None:
        """Gives connections back."""
        self._engine.dispose()

    # -- plumbing --------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with outages(self._engine), self._reading.connect() as connection:
            yield connection

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


def _of_shown_generation() -> Condition:
    row, bad = PROJECTIONS.c, QUARANTINE.c
    return (
        select(row.name)
        .where(row.name == bad.projection, row.generation == bad.generation, row.active)
        .exists()
    )
