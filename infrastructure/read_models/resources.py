"""The SQL source of each resource.

References to goals, strategies and audits are joined. A reference to a deleted object is null,
unless the page includes deleted objects.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, func, null

from application.ports import read_tables as tables
from application.ports.read_models import (
    ActionPlanView,
    ActionView,
    AuditTemplateView,
    AuditView,
    GoalView,
    ScoringEngineView,
    StrategyView,
)
from infrastructure.read_models.paging import Condition, ListedResource, RowSource, as_uuid, named
from infrastructure.read_models.schema import view

GOALS = view(tables.GOALS)
STRATEGIES = view(tables.STRATEGIES)
SCORING_ENGINES = view(tables.SCORING_ENGINES)
ACTION_TYPES = view(tables.ACTION_TYPES)
AUDIT_TEMPLATES = view(tables.AUDIT_TEMPLATES)
AUDITS = view(tables.AUDITS)
ACTION_PLANS = view(tables.ACTION_PLANS)
ACTIONS = view(tables.ACTIONS)
TIMELINE = view(tables.TIMELINE)

Columns = Mapping[str, ColumnElement[Any]]


def _refers(
    to: Table, column: ColumnElement[Any], *, show_deleted: bool, key: str = "uuid"
) -> Condition:
    same = to.c[key] == column
    return same if show_deleted else and_(same, to.c.deleted_at.is_(None))


def _joined(table: Table, *, show_deleted: bool) -> tuple[FromClause, Columns, Columns]:
    """A table joined with goals and strategies: the join, its columns, its sort keys."""
    rows = table.outerjoin(
        GOALS, _refers(GOALS, table.c.goal_uuid, show_deleted=show_deleted)
    ).outerjoin(STRATEGIES, _refers(STRATEGIES, table.c.strategy_uuid, show_deleted=show_deleted))
    columns = {
        "goal_uuid": GOALS.c.uuid,
        "goal_name": GOALS.c.name,
        "strategy_uuid": STRATEGIES.c.uuid,
        "strategy_name": STRATEGIES.c.name,
    }
    return rows, columns, {"goal_id": GOALS.c.id, "strategy_id": STRATEGIES.c.id}


def _named(uuid: ColumnElement[Any], key: ColumnElement[Any]) -> Callable[[str], Condition]:
    """A filter for a uuid or a name."""

    def matches(value: str) -> Condition:
        wanted = as_uuid(value)
        return named(key, value) if wanted is None else uuid == wanted

    return matches


def _exactly(uuid: ColumnElement[Any]) -> Callable[[str], Condition]:
    """A filter for a uuid."""

    def matches(value: str) -> Condition:
        return uuid == (as_uuid(value) or null())

    return matches


def _goal(_: bool) -> RowSource:  # noqa: FBT001 - the signature of a source
    return RowSource(GOALS, dict(GOALS.c), GOALS.c.deleted_at, GOALS.c.name_key)


def _scoring_engine(_: bool) -> RowSource:  # noqa: FBT001
    table = SCORING_ENGINES
    return RowSource(table, dict(table.c), table.c.deleted_at, table.c.name_key)


def _strategy(show_deleted: bool) -> RowSource:  # noqa: FBT001
    rows = STRATEGIES.outerjoin(
        GOALS, _refers(GOALS, STRATEGIES.c.goal_uuid, show_deleted=show_deleted)
    )
    columns = {**STRATEGIES.c, "goal_uuid": GOALS.c.uuid, "goal_name": GOALS.c.name}
    return RowSource(
        rows, columns, STRATEGIES.c.deleted_at, STRATEGIES.c.name_key, {"goal_id": GOALS.c.id}
    )


def _audit_template(show_deleted: bool) -> RowSource:  # noqa: FBT001
    table = AUDIT_TEMPLATES
    rows, columns, sort = _joined(table, show_deleted=show_deleted)
    return RowSource(rows, {**table.c, **columns}, table.c.deleted_at, table.c.name_key, sort)


def _audit(show_deleted: bool) -> RowSource:  # noqa: FBT001
    rows, columns, sort = _joined(AUDITS, show_deleted=show_deleted)
    return RowSource(rows, {**AUDITS.c, **columns}, AUDITS.c.deleted_at, AUDITS.c.name_key, sort)


def _action_plan(show_deleted: bool) -> RowSource:  # noqa: FBT001
    plans = ACTION_PLANS
    rows = plans.outerjoin(AUDITS, AUDITS.c.uuid == plans.c.audit_uuid).outerjoin(
        STRATEGIES, _refers(STRATEGIES, plans.c.strategy_uuid, show_deleted=show_deleted)
    )
    deleted = AUDITS.c.deleted_at.is_not(None)
    audit_if_shown = case((deleted, null()), else_=plans.c.audit_uuid)
    columns = {
        **plans.c,
        "audit_uuid": plans.c.audit_uuid if show_deleted else audit_if_shown,
        "audit_deleted": deleted,
        "strategy_uuid": STRATEGIES.c.uuid,
    }
    sort = {"audit_id": AUDITS.c.id, "strategy_id": STRATEGIES.c.id}
    return RowSource(rows, columns, plans.c.deleted_at, sort=sort)


def _action(_: bool) -> RowSource:  # noqa: FBT001
    rows = ACTIONS.join(ACTION_PLANS, ACTION_PLANS.c.uuid == ACTIONS.c.action_plan_uuid).outerjoin(
        ACTION_TYPES,
        _refers(ACTION_TYPES, ACTIONS.c.action_type, show_deleted=True, key="name"),
    )
    deleted_at = ACTION_PLANS.c.deleted_at
    columns = {
        **ACTIONS.c,
        "description": func.coalesce(ACTION_TYPES.c.description, ""),
        "state": case((deleted_at.is_not(None), "DELETED"), else_=ACTIONS.c.state),
        "deleted_at": deleted_at,
    }
    return RowSource(rows, columns, deleted_at, sort={"action_plan_id": ACTION_PLANS.c.id})


GOAL = ListedResource(GoalView, _goal, {})
STRATEGY = ListedResource(
    StrategyView,
    _strategy,
    {
        "goal": _named(STRATEGIES.c.goal_uuid, STRATEGIES.c.goal_key),
    },
)
SCORING_ENGINE = ListedResource(ScoringEngineView, _scoring_engine, {})
AUDIT_TEMPLATE = ListedResource(
    AuditTemplateView,
    _audit_template,
    {
        "goal": _named(AUDIT_TEMPLATES.c.goal_uuid, AUDIT_TEMPLATES.c.goal_key),
        "strategy": _named(AUDIT_TEMPLATES.c.strategy_uuid, AUDIT_TEMPLATES.c.strategy_key),
    },
)
AUDIT = ListedResource(
    AuditView,
    _audit,
    {
        "goal": _named(AUDITS.c.goal_uuid, AUDITS.c.goal_key),
        "strategy": _named(AUDITS.c.strategy_uuid, AUDITS.c.strategy_key),
    },
)
ACTION_PLAN = ListedResource(
    ActionPlanView,
    _action_plan,
    {
        "audit_uuid": _exactly(ACTION_PLANS.c.audit_uuid),
        "strategy": _named(ACTION_PLANS.c.strategy_uuid, ACTION_PLANS.c.strategy_key),
    },
)
ACTION = ListedResource(
    ActionView,
    _action,
    {
        "action_plan_uuid": _exactly(ACTIONS.c.action_plan_uuid),
        "audit_uuid": _exactly(ACTIONS.c.audit_uuid),
    },
)
