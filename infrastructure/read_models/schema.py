"""The SQL tables: fixed ones, and those of each generation of each projection."""

from dataclasses import fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    Uuid,
    true,
)

from application.ports.columns import ReadTable
from infrastructure.read_models.types import Instant, Json, column_type, text

FIXED = MetaData()

PROJECTIONS = Table(
    "projections",
    FIXED,
    Column("name", text(), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    comment="the position of each generation of the read tables",
)
Index(
    "projections_one_active",
    PROJECTIONS.c.name,
    unique=True,
    postgresql_where=PROJECTIONS.c.active == true(),
    sqlite_where=PROJECTIONS.c.active == true(),
)
QUARANTINE = Table(
    "quarantine",
    FIXED,
    Column("projection", text(), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", text(), nullable=False),
    Column("aggregate_id", Uuid(), nullable=False),
    Column("error", text(), nullable=False),
    Column("at", Instant(), nullable=False),
    comment="events that a projection could not process",
)
INSTANCES = Table(
    "service_instances",
    FIXED,
    Column("id", text(), primary_key=True),
    Column("name", text(), nullable=False),
    Column("host", text(), nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("pid_started", text(), nullable=False),
    Column("boot_id", text(), nullable=False),
    Column("created_at", Instant(), nullable=False),
    Column("last_seen_up", Instant(), nullable=False, index=True),
    Column("retired", Boolean, nullable=False),
    comment="worker processes and their heartbeats",
)
SERVICES = Table(
    "services",
    FIXED,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("name", text(), nullable=False),
    Column("host", text(), nullable=False),
    Column("instance_id", text(), nullable=False),
    Column("created_at", Instant(), nullable=False),
    UniqueConstraint("name", "host", name="services_name_host"),
    comment="a service per name and host, with its newest instance",
)
PROGRESS = Table(
    "progress",
    FIXED,
    Column("action_id", Uuid(), primary_key=True),
    Column("percent", Float, nullable=True),
    Column("detail", text(), nullable=False),
    Column("updated_at", Instant(), nullable=False),
    Column("because", Json(), nullable=True),
    Column("copied", BigInteger, nullable=True),
    Column("unchanged_since", Instant(), nullable=True),
    comment="the progress of running actions",
)
CONFIRMATIONS = Table(
    "model_confirmations",
    FIXED,
    Column("model_id", Uuid(), primary_key=True),
    Column("digest", text(), nullable=False),
    Column("confirmed_at", Instant(), nullable=False),
    Column("collected_at", Instant()),
    Column("whole_at", Instant()),
    Column("told", text()),
    Column("doubted_at", Instant()),
    comment="the latest complete collection of each cluster model, and what a listener vouched for",
)
POISON = Table(
    "poisoned_messages",
    FIXED,
    Column("consumer", text(), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", text(), nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("error", text(), nullable=False),
    Column("at", Instant(), nullable=False),
    comment="messages that consumers discarded",
)
TRANSPORTS = Table(
    "notification_transports",
    FIXED,
    Column("transport", text(), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("holder", text(), nullable=False),
    Column("moved_at", Instant(), nullable=False),
    comment="how far each transport of notifications is, and which notifier serves it",
)
COUNTERS = Table(
    "counters",
    FIXED,
    Column("what", text(), primary_key=True),
    Column("of", text(), primary_key=True),
    Column("outcome", text(), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last", Instant(), nullable=False),
    comment="counters of processes without an HTTP port",
)


def columns_of(kind: type, table: Table) -> list[Column[Any]]:
    """The columns of a table that have the names of a dataclass's fields, in their order."""
    return [table.c[one.name] for one in fields(kind)]


def view(table: ReadTable) -> Table:
    """The SQL view that queries read: the plain name, on the active generation."""
    return Table(table.name, MetaData(), *_columns(table))


def physical_name(table: ReadTable, generation: int) -> str:
    """The name of the table of a generation."""
    return f"{table.name}_g{generation}"


def physical(table: ReadTable, generation: int) -> Table:
    """The table of a generation, with its indexes."""
    name = physical_name(table, generation)
    made = Table(name, MetaData(), *_columns(table))
    for index in table.indexes:
        where = None if index.only is None else made.c[index.only].is_not(None)
        Index(
            f"{name}_{'_'.join(index.columns)}",
            *(made.c[column] for column in index.columns),
            postgresql_where=where,
            sqlite_where=where,
        )
    return made


def _columns(table: ReadTable) -> list[Column[object]]:
    return [
        Column(
            name,
            column_type(column.type),
            primary_key=name == table.key,
            autoincrement=False,
            nullable=column.nullable,
        )
        for name, column in table.columns.items()
    ]
