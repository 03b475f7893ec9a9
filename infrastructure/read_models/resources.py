"""The SQL source of each resource.

References to goals, strategies and audits are joined. A reference to a deleted object is null,
unless the page includes deleted objects.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

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

V = TypeVar("V")
Filter = Callable[[str], Condition]


def _refers(
    to: Table, column: ColumnElement[Any], *, show_deleted: bool, key: str = "uuid"
) -> Condition:
    same = to.c[key] == column
    return same if show_deleted else and_(same, to.c.deleted_at.is_(None))


def _by_id_or_name(uuid: ColumnElement[Any], key: ColumnElement[Any]) -> Filter:
    def condition(value: str) -> Condition:
        wanted = as_uuid(value)
        return named(key, value) if wanted is None else uuid == wanted

    return condition


def _by_id(uuid: ColumnElement[Any]) -> Filter:
    return lambda value: uuid == (as_uuid(value) or null())


def _named_resource(row: type[V], table: Table) -> ListedResource[V]:
    """The rows of a table, joined with the goals and strategies that they refer to."""
    references = {
        name: to
        for name, to in (("goal", GOALS), ("strategy", STRATEGIES))
        if f"{name}_uuid" in table.c
    }

    def source(show_deleted: bool) -> RowSource:  # noqa: FBT001 - the signature of a source
        rows: FromClause = table
        columns, sort = dict(table.c), {}
        for name, to in references.items():
            uuid = table.c[f"{name}_uuid"]
            rows = rows.outerjoin(to, _refers(to, uuid, show_deleted=show_deleted))
            columns |= {f"{name}_uuid": to.c.uuid, f"{name}_name": to.c.name}
            sort[f"{name}_id"] = to.c.id
        return RowSource(rows, columns, table.c.deleted_at, table.c.name_key, sort)

    filters = {
        name: _by_id_or_name(table.c[f"{name}_uuid"], table.c[f"{name}_key"]) for name in references
    }
    return ListedResource(row, source, filters)


def _action_plan(show_deleted: bool) -> RowSource:  # noqa: FBT001 - the signature of a source
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


GOAL = _named_resource(GoalView, GOALS)
STRATEGY = _named_resource(StrategyView, STRATEGIES)
SCORING_ENGINE = _named_resource(ScoringEngineView, SCORING_ENGINES)
AUDIT_TEMPLATE = _named_resource(AuditTemplateView, AUDIT_TEMPLATES)
AUDIT = _named_resource(AuditView, AUDITS)
ACTION_PLAN = ListedResource(
    ActionPlanView,
    _action_plan,
    {
        "audit_uuid": _by_id(ACTION_PLANS.c.audit_uuid),
        "strategy": _by_id_or_name(ACTION_PLANS.c.strategy_uuid, ACTION_PLANS.c.strategy_key),
    },
)
ACTION = ListedResource(
    ActionView,
    _action,
    {
        "action_plan_uuid": _by_id(ACTIONS.c.action_plan_uuid),
        "audit_uuid": _by_id(ACTIONS.c.audit_uuid),
        **{key: partial(named, ACTIONS.c[key]) for key in tables.ACTION_KEYS},
    },
)
