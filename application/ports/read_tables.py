"""The tables of the read models: the contract between the folds that fill them and the queries.

A version rises whenever its tables, or the meaning of what the fold writes, change.
Names that are looked up without case have a second, case-folded column (``…_key``).
References hold the uuid for ever; whether the other end is deleted is found out by the query.
"""

from application.ports.projections import (
    ColumnType,
    ProjectionSchema,
    ReadColumn,
    ReadIndex,
    ReadTable,
)

_ID = {"id": ReadColumn(ColumnType.INTEGER), "uuid": ReadColumn(ColumnType.UUID)}
_NAME = {"name": ReadColumn(ColumnType.TEXT), "name_key": ReadColumn(ColumnType.TEXT)}
_TIMES = {
    "created_at": ReadColumn(ColumnType.TIME),
    "updated_at": ReadColumn(ColumnType.TIME, nullable=True),
    "deleted_at": ReadColumn(ColumnType.TIME, nullable=True),
}
_GOAL = {
    "goal_uuid": ReadColumn(ColumnType.UUID),
    "goal_name": ReadColumn(ColumnType.TEXT),
    "goal_key": ReadColumn(ColumnType.TEXT),
}
_STRATEGY = {
    "strategy_uuid": ReadColumn(ColumnType.UUID, nullable=True),
    "strategy_name": ReadColumn(ColumnType.TEXT, nullable=True),
    "strategy_key": ReadColumn(ColumnType.TEXT, nullable=True),
}
_BY_ID = ReadIndex(("id",))
_BY_NAME = ReadIndex(("name_key",))

GOALS = ReadTable(
    "goals",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "display_name": ReadColumn(ColumnType.TEXT),
        "efficacy_specification": ReadColumn(ColumnType.JSON),
        **_TIMES,
    },
)
STRATEGIES = ReadTable(
    "strategies",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "display_name": ReadColumn(ColumnType.TEXT),
        **_GOAL,
        "parameters_spec": ReadColumn(ColumnType.JSON),
        **_TIMES,
    },
)
SCORING_ENGINES = ReadTable(
    "scoring_engines",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "description": ReadColumn(ColumnType.TEXT),
        "metainfo": ReadColumn(ColumnType.TEXT, nullable=True),
        **_TIMES,
    },
)
ACTION_TYPES = ReadTable(
    "action_types",
    key="name",
    columns={
        "id": ReadColumn(ColumnType.INTEGER),
        "name": ReadColumn(ColumnType.TEXT),
        "description": ReadColumn(ColumnType.TEXT),
        **_TIMES,
    },
)
CATALOGUE = ProjectionSchema(
    "catalogue", version=1, tables=(GOALS, STRATEGIES, SCORING_ENGINES, ACTION_TYPES)
)

AUDIT_TEMPLATES = ReadTable(
    "audit_templates",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "description": ReadColumn(ColumnType.TEXT, nullable=True),
        **_GOAL,
        **_STRATEGY,
        "scope": ReadColumn(ColumnType.JSON),
        "default_parameters": ReadColumn(ColumnType.JSON),
        **_TIMES,
    },
    indexes=(_BY_ID, _BY_NAME),
)
TEMPLATES = ProjectionSchema("audit-templates", version=1, tables=(AUDIT_TEMPLATES,))

AUDITS = ReadTable(
    "audits",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "audit_type": ReadColumn(ColumnType.TEXT),
        "state": ReadColumn(ColumnType.TEXT),
        **_GOAL,
        **_STRATEGY,
        "interval": ReadColumn(ColumnType.TEXT, nullable=True),
        "scope": ReadColumn(ColumnType.JSON),
        "parameters": ReadColumn(ColumnType.JSON),
        "auto_trigger": ReadColumn(ColumnType.BOOLEAN),
        "force": ReadColumn(ColumnType.BOOLEAN),
        "next_run_time": ReadColumn(ColumnType.TIME, nullable=True),
        "start_time": ReadColumn(ColumnType.TIME, nullable=True),
        "end_time": ReadColumn(ColumnType.TIME, nullable=True),
        "hostname": ReadColumn(ColumnType.TEXT, nullable=True),
        "status_message": ReadColumn(ColumnType.TEXT, nullable=True),
        "version": ReadColumn(ColumnType.INTEGER),
        "last_due": ReadColumn(ColumnType.TIME, nullable=True),
        "run_id": ReadColumn(ColumnType.UUID, nullable=True),
        "run_due": ReadColumn(ColumnType.TIME, nullable=True),
        "run_owner": ReadColumn(ColumnType.TEXT, nullable=True),
        "run_not_before": ReadColumn(ColumnType.TIME, nullable=True),
        "run_position": ReadColumn(ColumnType.INTEGER, nullable=True),
        **_TIMES,
    },
    indexes=(
        _BY_ID,
        _BY_NAME,
        ReadIndex(("run_position",), only="run_position"),
        ReadIndex(("next_run_time",), only="next_run_time"),
    ),
)
AUDIT_SHAPE = ProjectionSchema("audits", version=2, tables=(AUDITS,))

ACTION_PLANS = ReadTable(
    "action_plans",
    key="uuid",
    columns={
        **_ID,
        "audit_uuid": ReadColumn(ColumnType.UUID),
        "run_id": ReadColumn(ColumnType.UUID),
        "goal_name": ReadColumn(ColumnType.TEXT),
        "strategy_uuid": ReadColumn(ColumnType.UUID),
        "strategy_name": ReadColumn(ColumnType.TEXT),
        "strategy_key": ReadColumn(ColumnType.TEXT),
        "state": ReadColumn(ColumnType.TEXT),
        "efficacy_indicators": ReadColumn(ColumnType.JSON),
        "global_efficacy": ReadColumn(ColumnType.JSON),
        "notes": ReadColumn(ColumnType.JSON),
        "record": ReadColumn(ColumnType.TEXT),
        "explanation": ReadColumn(ColumnType.TEXT),
        "owner": ReadColumn(ColumnType.TEXT, nullable=True),
        "hostname": ReadColumn(ColumnType.TEXT, nullable=True),
        "status_message": ReadColumn(ColumnType.TEXT, nullable=True),
        "actions_total": ReadColumn(ColumnType.INTEGER),
        "actions_ended": ReadColumn(ColumnType.INTEGER),
        "actions_ongoing": ReadColumn(ColumnType.INTEGER),
        "version": ReadColumn(ColumnType.INTEGER),
        "open_position": ReadColumn(ColumnType.INTEGER, nullable=True),
        **_TIMES,
    },
    indexes=(
        _BY_ID,
        ReadIndex(("audit_uuid", "id")),
        ReadIndex(("state", "id")),
        ReadIndex(("open_position",), only="open_position"),
    ),
)
ACTIONS = ReadTable(
    "actions",
    key="uuid",
    columns={
        **_ID,
        "action_plan_uuid": ReadColumn(ColumnType.UUID),
        "audit_uuid": ReadColumn(ColumnType.UUID),
        "action_type": ReadColumn(ColumnType.TEXT),
        "state": ReadColumn(ColumnType.TEXT),
        "parents": ReadColumn(ColumnType.JSON),
        "input_parameters": ReadColumn(ColumnType.JSON),
        "because": ReadColumn(ColumnType.TEXT),
        "status_message": ReadColumn(ColumnType.TEXT, nullable=True),
        "attempt": ReadColumn(ColumnType.INTEGER),
        "started_at": ReadColumn(ColumnType.TIME, nullable=True),
        "ended_at": ReadColumn(ColumnType.TIME, nullable=True),
        "created_at": ReadColumn(ColumnType.TIME),
        "updated_at": ReadColumn(ColumnType.TIME, nullable=True),
    },
    indexes=(_BY_ID, ReadIndex(("action_plan_uuid", "id")), ReadIndex(("audit_uuid", "id"))),
)
PLANS = ProjectionSchema("plans", version=1, tables=(ACTION_PLANS, ACTIONS))

CLUSTER_MODELS = ReadTable(
    "cluster_models",
    key="uuid",
    columns={
        "uuid": ReadColumn(ColumnType.UUID),
        "cloud": ReadColumn(ColumnType.TEXT),
        "kind": ReadColumn(ColumnType.TEXT),
        "position": ReadColumn(ColumnType.INTEGER, nullable=True),
        "failure": ReadColumn(ColumnType.JSON, nullable=True),
        "failing_since": ReadColumn(ColumnType.TIME, nullable=True),
    },
)
MODEL_VERSIONS = ReadTable(
    "cluster_model_versions",
    key="position",
    columns={
        "position": ReadColumn(ColumnType.INTEGER),
        "model_uuid": ReadColumn(ColumnType.UUID),
        "digest": ReadColumn(ColumnType.TEXT),
        "base": ReadColumn(ColumnType.TEXT),
        "at": ReadColumn(ColumnType.TIME),
        "sizes": ReadColumn(ColumnType.JSON),
        "calls": ReadColumn(ColumnType.INTEGER),
        "milliseconds": ReadColumn(ColumnType.INTEGER),
        "problems": ReadColumn(ColumnType.JSON),
        "problem_count": ReadColumn(ColumnType.INTEGER),
        "changes": ReadColumn(ColumnType.JSON, nullable=True),
    },
    indexes=(ReadIndex(("model_uuid", "position")), ReadIndex(("model_uuid", "at"))),
)
MODELS = ProjectionSchema("cluster-models", version=3, tables=(CLUSTER_MODELS, MODEL_VERSIONS))

TIMELINE = ReadTable(
    "timeline",
    key="position",
    columns={
        "position": ReadColumn(ColumnType.INTEGER),
        "at": ReadColumn(ColumnType.TIME),
        "topic": ReadColumn(ColumnType.TEXT),
        "aggregate_id": ReadColumn(ColumnType.UUID),
        "version": ReadColumn(ColumnType.INTEGER),
        "actor": ReadColumn(ColumnType.TEXT),
        "actor_kind": ReadColumn(ColumnType.TEXT),
        "request_id": ReadColumn(ColumnType.TEXT, nullable=True),
        "correlation_id": ReadColumn(ColumnType.UUID, nullable=True),
        "causation": ReadColumn(ColumnType.INTEGER, nullable=True),
        "summary": ReadColumn(ColumnType.TEXT),
    },
    indexes=(
        ReadIndex(("aggregate_id", "position")),
        ReadIndex(("correlation_id", "position"), only="correlation_id"),
        ReadIndex(("topic", "position")),
        ReadIndex(("at",)),
    ),
)
EVENTS = ProjectionSchema("timeline", version=3, tables=(TIMELINE,))

SHAPES = (CATALOGUE, TEMPLATES, AUDIT_SHAPE, PLANS, MODELS, EVENTS)
"""Everything that queries read."""
