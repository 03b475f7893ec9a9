"""The read tables: projections fill them, queries read them.

The columns follow from the classes of the views. Raise the version of a schema when its tables, or
the values that its projection writes, change: reasons are stored as sentences. References hold the
uuid of the other object also after that is deleted; queries check whether it is.
"""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from application.ports.columns import ProjectionSchema, ReadIndex, read_table
from application.ports.read_models import (
    ActionPlanView,
    ActionTypeView,
    ActionView,
    AuditTemplateView,
    AuditView,
    GoalView,
    ScoringEngineView,
    StrategyView,
    TimelineView,
)
from domain.kernel.aggregate import JsonObject

_BY_ID = ReadIndex(("id",))
_BY_NAME = ReadIndex(("name_key",))

GOALS = read_table("goals", GoalView)
STRATEGIES = read_table("strategies", StrategyView)
SCORING_ENGINES = read_table("scoring_engines", ScoringEngineView)
ACTION_TYPES = read_table("action_types", ActionTypeView, key="name")
CATALOGUE_SCHEMA = ProjectionSchema(
    "catalogue", version=2, tables=(GOALS, STRATEGIES, SCORING_ENGINES, ACTION_TYPES)
)

AUDIT_TEMPLATES = read_table("audit_templates", AuditTemplateView, _BY_ID, _BY_NAME)
AUDIT_TEMPLATE_SCHEMA = ProjectionSchema("audit-templates", version=1, tables=(AUDIT_TEMPLATES,))

AUDITS = read_table(
    "audits",
    AuditView,
    _BY_ID,
    _BY_NAME,
    ReadIndex(("run_position",), only="run_position"),
    ReadIndex(("next_run_time",), only="next_run_time"),
    ReadIndex(("state", "id")),
)
AUDIT_SCHEMA = ProjectionSchema("audits", version=4, tables=(AUDITS,))

ACTION_PLANS = read_table(
    "action_plans",
    ActionPlanView,
    _BY_ID,
    ReadIndex(("audit_uuid", "id")),
    ReadIndex(("state", "id")),
    ReadIndex(("open_position",), only="open_position"),
    ReadIndex(("return_state",), only="return_state"),
)
ACTION_KEYS = ("resource_key", "resource_name_key", "source_key", "destination_key")
"""Columns by which the actions that concern a server or a host are found."""
ACTIONS = read_table(
    "actions",
    ActionView,
    _BY_ID,
    ReadIndex(("action_plan_uuid", "id")),
    ReadIndex(("audit_uuid", "id")),
    *(ReadIndex((key, "id"), only=key) for key in ACTION_KEYS),
    ReadIndex(("open_position",), only="open_position"),
    ReadIndex(("action_type", "ended_at"), only="ended_at"),
)
PLAN_SCHEMA = ProjectionSchema("plans", version=7, tables=(ACTION_PLANS, ACTIONS))


class ClusterModelRow(TypedDict):
    """A cluster model. ``position``: of its current version; ``failure``: a reason with facts."""

    uuid: UUID
    cloud: str
    kind: str
    position: int | None
    failure: JsonObject | None
    failing_since: datetime | None


class ModelVersionRow(TypedDict):
    """A version of a cluster model. ``base``: digest of the collection that it amends."""

    position: int
    model_uuid: UUID
    digest: str
    base: str
    at: datetime
    sizes: JsonObject
    calls: int
    milliseconds: int
    problems: list[Any]
    problem_count: int
    changes: JsonObject | None


CLUSTER_MODELS = read_table("cluster_models", ClusterModelRow)
MODEL_VERSIONS = read_table(
    "cluster_model_versions",
    ModelVersionRow,
    ReadIndex(("model_uuid", "position")),
    ReadIndex(("model_uuid", "at")),
    key="position",
)
CLUSTER_MODEL_SCHEMA = ProjectionSchema(
    "cluster-models", version=3, tables=(CLUSTER_MODELS, MODEL_VERSIONS)
)

TIMELINE = read_table(
    "timeline",
    TimelineView,
    ReadIndex(("aggregate_id", "position")),
    ReadIndex(("correlation_id", "position"), only="correlation_id"),
    ReadIndex(("topic", "position")),
    ReadIndex(("at",)),
    key="position",
)
TIMELINE_SCHEMA = ProjectionSchema("timeline", version=3, tables=(TIMELINE,))

SCHEMAS = (
    CATALOGUE_SCHEMA,
    AUDIT_TEMPLATE_SCHEMA,
    AUDIT_SCHEMA,
    PLAN_SCHEMA,
    CLUSTER_MODEL_SCHEMA,
    TIMELINE_SCHEMA,
)
"""All read tables that queries read."""
