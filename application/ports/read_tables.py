"""The tables of the read models: the contract between the folds that fill them and the queries.

A version rises whenever its tables, or the meaning of what the fold writes, change.
Names that are looked up without case have a second, case-folded column (``…_key``).
References hold the uuid for ever; whether the other end is deleted is found out by the query.
"""

from application.ports.projections import Column, Index, Kind, Shape, Table

_ID = {"id": Column(Kind.INTEGER), "uuid": Column(Kind.UUID)}
_NAME = {"name": Column(Kind.TEXT), "name_key": Column(Kind.TEXT)}
_TIMES = {
    "created_at": Column(Kind.TIME),
    "updated_at": Column(Kind.TIME, nullable=True),
    "deleted_at": Column(Kind.TIME, nullable=True),
}
_GOAL = {
    "goal_uuid": Column(Kind.UUID),
    "goal_name": Column(Kind.TEXT),
    "goal_key": Column(Kind.TEXT),
}
_STRATEGY = {
    "strategy_uuid": Column(Kind.UUID, nullable=True),
    "strategy_name": Column(Kind.TEXT, nullable=True),
    "strategy_key": Column(Kind.TEXT, nullable=True),
}
_BY_ID = Index(("id",))
_BY_NAME = Index(("name_key",))

GOALS = Table(
    "goals",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "display_name": Column(Kind.TEXT),
        "efficacy_specification": Column(Kind.JSON),
        **_TIMES,
    },
)
STRATEGIES = Table(
    "strategies",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "display_name": Column(Kind.TEXT),
        **_GOAL,
        "parameters_spec": Column(Kind.JSON),
        **_TIMES,
    },
)
SCORING_ENGINES = Table(
    "scoring_engines",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "description": Column(Kind.TEXT),
        "metainfo": Column(Kind.TEXT, nullable=True),
        **_TIMES,
    },
)
ACTION_TYPES = Table(
    "action_types",
    key="name",
    columns={
        "id": Column(Kind.INTEGER),
        "name": Column(Kind.TEXT),
        "description": Column(Kind.TEXT),
        **_TIMES,
    },
)
CATALOGUE = Shape("catalogue", version=1, tables=(GOALS, STRATEGIES, SCORING_ENGINES, ACTION_TYPES))

AUDIT_TEMPLATES = Table(
    "audit_templates",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "description": Column(Kind.TEXT, nullable=True),
        **_GOAL,
        **_STRATEGY,
        "scope": Column(Kind.JSON),
        "default_parameters": Column(Kind.JSON),
        **_TIMES,
    },
    indexes=(_BY_ID, _BY_NAME),
)
TEMPLATES = Shape("audit-templates", version=1, tables=(AUDIT_TEMPLATES,))

AUDITS = Table(
    "audits",
    key="uuid",
    columns={
        **_ID,
        **_NAME,
        "audit_type": Column(Kind.TEXT),
        "state": Column(Kind.TEXT),
        **_GOAL,
        **_STRATEGY,
        "interval": Column(Kind.TEXT, nullable=True),
        "scope": Column(Kind.JSON),
        "parameters": Column(Kind.JSON),
        "auto_trigger": Column(Kind.BOOLEAN),
        "force": Column(Kind.BOOLEAN),
        "next_run_time": Column(Kind.TIME, nullable=True),
        "start_time": Column(Kind.TIME, nullable=True),
        "end_time": Column(Kind.TIME, nullable=True),
        "hostname": Column(Kind.TEXT, nullable=True),
        "status_message": Column(Kind.TEXT, nullable=True),
        "version": Column(Kind.INTEGER),
        "last_due": Column(Kind.TIME, nullable=True),
        "run_id": Column(Kind.UUID, nullable=True),
        "run_due": Column(Kind.TIME, nullable=True),
        "run_owner": Column(Kind.TEXT, nullable=True),
        "run_not_before": Column(Kind.TIME, nullable=True),
        "run_position": Column(Kind.INTEGER, nullable=True),
        **_TIMES,
    },
    indexes=(
        _BY_ID,
        _BY_NAME,
        Index(("run_position",), only="run_position"),
        Index(("next_run_time",), only="next_run_time"),
    ),
)
AUDIT_SHAPE = Shape("audits", version=2, tables=(AUDITS,))

ACTION_PLANS = Table(
    "action_plans",
    key="uuid",
    columns={
        **_ID,
        "audit_uuid": Column(Kind.UUID),
        "run_id": Column(Kind.UUID),
        "goal_name": Column(Kind.TEXT),
        "strategy_uuid": Column(Kind.UUID),
        "strategy_name": Column(Kind.TEXT),
        "strategy_key": Column(Kind.TEXT),
        "state": Column(Kind.TEXT),
        "efficacy_indicators": Column(Kind.JSON),
        "global_efficacy": Column(Kind.JSON),
        "notes": Column(Kind.JSON),
        "record": Column(Kind.TEXT),
        "explanation": Column(Kind.TEXT),
        "owner": Column(Kind.TEXT, nullable=True),
        "hostname": Column(Kind.TEXT, nullable=True),
        "status_message": Column(Kind.TEXT, nullable=True),
        "actions_total": Column(Kind.INTEGER),
        "actions_ended": Column(Kind.INTEGER),
        "actions_ongoing": Column(Kind.INTEGER),
        "version": Column(Kind.INTEGER),
        "open_position": Column(Kind.INTEGER, nullable=True),
        **_TIMES,
    },
    indexes=(
        _BY_ID,
        Index(("audit_uuid", "id")),
        Index(("state", "id")),
        Index(("open_position",), only="open_position"),
    ),
)
ACTIONS = Table(
    "actions",
    key="uuid",
    columns={
        **_ID,
        "action_plan_uuid": Column(Kind.UUID),
        "audit_uuid": Column(Kind.UUID),
        "action_type": Column(Kind.TEXT),
        "state": Column(Kind.TEXT),
        "parents": Column(Kind.JSON),
        "input_parameters": Column(Kind.JSON),
        "because": Column(Kind.TEXT),
        "status_message": Column(Kind.TEXT, nullable=True),
        "attempt": Column(Kind.INTEGER),
        "started_at": Column(Kind.TIME, nullable=True),
        "ended_at": Column(Kind.TIME, nullable=True),
        "created_at": Column(Kind.TIME),
        "updated_at": Column(Kind.TIME, nullable=True),
    },
    indexes=(_BY_ID, Index(("action_plan_uuid", "id")), Index(("audit_uuid", "id"))),
)
PLANS = Shape("plans", version=1, tables=(ACTION_PLANS, ACTIONS))

CLUSTER_MODELS = Table(
    "cluster_models",
    key="uuid",
    columns={
        "uuid": Column(Kind.UUID),
        "cloud": Column(Kind.TEXT),
        "kind": Column(Kind.TEXT),
        "position": Column(Kind.INTEGER, nullable=True),
        "failure": Column(Kind.JSON, nullable=True),
        "failing_since": Column(Kind.TIME, nullable=True),
    },
)
MODEL_VERSIONS = Table(
    "cluster_model_versions",
    key="position",
    columns={
        "position": Column(Kind.INTEGER),
        "model_uuid": Column(Kind.UUID),
        "digest": Column(Kind.TEXT),
        "base": Column(Kind.TEXT),
        "at": Column(Kind.TIME),
        "sizes": Column(Kind.JSON),
        "calls": Column(Kind.INTEGER),
        "milliseconds": Column(Kind.INTEGER),
        "problems": Column(Kind.JSON),
        "problem_count": Column(Kind.INTEGER),
        "changes": Column(Kind.JSON, nullable=True),
    },
    indexes=(Index(("model_uuid", "position")), Index(("model_uuid", "at"))),
)
MODELS = Shape("cluster-models", version=3, tables=(CLUSTER_MODELS, MODEL_VERSIONS))

TIMELINE = Table(
    "timeline",
    key="position",
    columns={
        "position": Column(Kind.INTEGER),
        "at": Column(Kind.TIME),
        "topic": Column(Kind.TEXT),
        "aggregate_id": Column(Kind.UUID),
        "version": Column(Kind.INTEGER),
        "actor": Column(Kind.TEXT),
        "actor_kind": Column(Kind.TEXT),
        "request_id": Column(Kind.TEXT, nullable=True),
        "correlation_id": Column(Kind.UUID, nullable=True),
        "causation": Column(Kind.INTEGER, nullable=True),
        "summary": Column(Kind.TEXT),
    },
    indexes=(
        Index(("aggregate_id", "position")),
        Index(("correlation_id", "position"), only="correlation_id"),
        Index(("topic", "position")),
        Index(("at",)),
    ),
)
EVENTS = Shape("timeline", version=2, tables=(TIMELINE,))

SHAPES = (CATALOGUE, TEMPLATES, AUDIT_SHAPE, PLANS, MODELS, EVENTS)
"""Everything that queries read."""
