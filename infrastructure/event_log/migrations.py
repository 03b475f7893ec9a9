"""The schema of the event database: versioned, upgraded by one command under a lock.

A step, once released, never changes; the next change of the schema is the next step.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from infrastructure.event_log import postgres, sqlite
from infrastructure.event_log.store import TABLE
from infrastructure.event_log.url import sqlite_file
from infrastructure.logs import scrubbed
from infrastructure.wal import write_ahead

VERSIONS = "event_log_schema"
"""Table of the applied steps: version, name, applied_at."""
_ADVISORY_LOCK = 0x76_69_67_69_6C
"""The key of the lock under which PostgreSQL schemas are upgraded."""
_LOCK_TIMEOUT = 60


class SchemaError(Exception):
    """The schema of the database is not the one that this code needs."""


@dataclass(frozen=True)
class Step:
    """One change of the schema.

    Attributes:
        sqlite, postgres: the statements, given the file or the URL.
    """

    version: int
    name: str
    sqlite: Callable[[Path], Sequence[str]]
    postgres: Callable[[str], Sequence[Composed]]


def _events_on_sqlite(path: Path) -> list[str]:
    store = sqlite.datastore(path, 1)
    try:
        return sqlite.SqliteRecorder(store).create_table_statements
    finally:
        store.close()


def _events_on_postgres(url: str) -> list[Composed]:
    """The library's statements without its insert function, with which readers miss events."""
    store = postgres.datastore(url, 1)
    try:
        statements = postgres.PostgresRecorder(store).sql_create_statements
    finally:
        store.close()
    kept = [s for s in statements if "FUNCTION" not in s.as_string()]
    table = Identifier(postgres.SCHEMA, TABLE)
    kept.extend(
        SQL("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL").format(table, Identifier(column))
        for column in ("topic", "state")
    )
    return kept


def _records(table: LiteralString, blob: LiteralString, time: LiteralString) -> LiteralString:
    return (
        "CREATE TABLE " + table + " (digest text PRIMARY KEY, content " + blob + " NOT NULL, "
        "codec text NOT NULL, size bigint NOT NULL, created_at " + time + " NOT NULL)"
    )


def _record_uses(table: LiteralString, time: LiteralString) -> list[LiteralString]:
    """Columns for when a record was last stored or referred to, its kind, and its references."""
    added: tuple[LiteralString, ...] = ("used_at " + time, "kind text", "refers text")
    return ["ALTER TABLE " + table + " ADD COLUMN " + column for column in added]


def _snapshots(
    table: LiteralString, identity: LiteralString, whole: LiteralString, blob: LiteralString
) -> LiteralString:
    return (
        "CREATE TABLE " + table + " (aggregate_id " + identity + " PRIMARY KEY, "
        "version " + whole + " NOT NULL, topic text NOT NULL, code text NOT NULL, "
        "event text NOT NULL, state " + blob + " NOT NULL)"
    )


def _seals(table: LiteralString, whole: LiteralString, blob: LiteralString) -> list[LiteralString]:
    return [
        "CREATE TABLE " + table + " (number " + whole + " PRIMARY KEY, "
        "last_position " + whole + " NOT NULL, statement " + blob + " NOT NULL, "
        "signature " + blob + " NOT NULL, leaves " + blob + " NOT NULL)",
        "CREATE INDEX seals_by_position ON " + table + " (last_position)",
    ]


STEPS: tuple[Step, ...] = (
    Step(1, "events", _events_on_sqlite, _events_on_postgres),
    Step(
        2,
        "records",
        lambda _: [_records("records", "blob", "text")],
        lambda _: [SQL(_records("public.records", "bytea", "timestamptz")).format()],
    ),
    Step(
        3,
        "record-uses",
        lambda _: _record_uses("records", "text"),
        lambda _: [SQL(one).format() for one in _record_uses("public.records", "timestamptz")],
    ),
    Step(
        4,
        "snapshots",
        lambda _: [_snapshots("snapshots", "text", "integer", "blob")],
        lambda _: [SQL(_snapshots("public.snapshots", "uuid", "bigint", "bytea")).format()],
    ),
    Step(
        5,
        "seals",
        lambda _: _seals("seals", "integer", "blob"),
        lambda _: [SQL(one).format() for one in _seals("public.seals", "bigint", "bytea")],
    ),
)


def upgrade(url: str, steps: Sequence[Step] = STEPS) -> list[str]:
    """Brings the schema of a database up to date. Of several processes, one does it.

    Returns:
        The applied steps, as ``"1 events"``; empty if it was up to date.

    Raises:
        SchemaError: the schema is newer than this code, or the database cannot be reached.
    """
    path = sqlite_file(url)
    try:
        return _upgrade_postgres(url, steps) if path is None else _upgrade_sqlite(path, steps)
    except (sqlite3.Error, psycopg.Error) as error:
        raise SchemaError(f"the event database cannot be upgraded: {error}") from error


def check(url: str, steps: Sequence[Step] = STEPS) -> None:
    """Checks that the schema is the one that this code needs.

    Raises:
        SchemaError: it is missing, older or newer, or the database cannot be reached.
    """
    path = sqlite_file(url)
    try:
        found = _postgres_version(url) if path is None else _sqlite_version(path)
    except (sqlite3.Error, psycopg.Error) as error:
        raise SchemaError(f"the event database cannot be opened: {error}") from error
    wanted = steps[-1].version
    if found < wanted:
        raise SchemaError(_lacking(scrubbed(url), found, wanted))
    _refuse_newer(found, wanted)


def _lacking(where: str, found: int, wanted: int) -> str:
    if found:
        return f"the schema of {where} is at version {found} of {wanted}: run `vigil db upgrade`"
    return (
        f"{where} has no Vigil schema: check --data and --database, or run "
        "`vigil db upgrade` to create it (`vigil up` does so by itself)"
    )


def _refuse_newer(found: int, wanted: int) -> None:
    if found > wanted:
        raise SchemaError(
            f"the schema of the event database has version {found}, this code knows {wanted}: "
            "it was upgraded by a newer Vigil"
        )


def _due(found: int, steps: Sequence[Step]) -> list[Step]:
    _refuse_newer(found, steps[-1].version)
    return [step for step in steps if step.version > found]


def _upgrade_sqlite(path: Path, steps: Sequence[Step]) -> list[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None)) as connection:
        write_ahead(connection, _LOCK_TIMEOUT)
        connection.execute("BEGIN IMMEDIATE")
        try:
            taken = _steps_on_sqlite(connection, path, steps)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return taken


def _steps_on_sqlite(
    connection: sqlite3.Connection, path: Path, steps: Sequence[Step]
) -> list[str]:
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {VERSIONS} "
        "(version integer PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL)"
    )
    taken = []
    for step in _due(_newest(connection), steps):
        for statement in step.sqlite(path):
            connection.execute(statement)
        connection.execute(
            f"INSERT INTO {VERSIONS} VALUES (?, ?, ?)",  # noqa: S608
            (step.version, step.name, datetime.now(UTC).isoformat()),  # noqa: TID251
        )
        taken.append(f"{step.version} {step.name}")
    return taken


def _sqlite_version(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path.as_posix()}?mode=ro", uri=True)) as connection:
        there = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = ?", (VERSIONS,)
        ).fetchone()[0]
        return _newest(connection) if there else 0


def _newest(connection: sqlite3.Connection) -> int:
    row: Any = connection.execute(f"SELECT max(version) FROM {VERSIONS}").fetchone()  # noqa: S608
    return row[0] or 0


def _upgrade_postgres(url: str, steps: Sequence[Step]) -> list[str]:
    table = Identifier(postgres.SCHEMA, VERSIONS)
    taken = []
    with psycopg.connect(url, connect_timeout=postgres.CONNECT_TIMEOUT) as connection:
        connection.execute(SQL("SET LOCAL lock_timeout = '{}s'").format(_LOCK_TIMEOUT))
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
        connection.execute(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (version integer PRIMARY KEY, "
                "name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
            ).format(table)
        )
        row = connection.execute(SQL("SELECT max(version) FROM {}").format(table)).fetchone()
        for step in _due((row and row[0]) or 0, steps):
            for statement in step.postgres(url):
                connection.execute(statement)
            connection.execute(
                SQL("INSERT INTO {} (version, name) VALUES (%s, %s)").format(table),
                (step.version, step.name),
            )
            taken.append(f"{step.version} {step.name}")
    return taken


def _postgres_version(url: str) -> int:
    table = Identifier(postgres.SCHEMA, VERSIONS)
    with psycopg.connect(url, connect_timeout=postgres.CONNECT_TIMEOUT) as connection:
        row = connection.execute(
            "SELECT to_regclass(%s) IS NOT NULL", (f"{postgres.SCHEMA}.{VERSIONS}",)
        ).fetchone()
        if row is None or not row[0]:
            return 0
        row = connection.execute(SQL("SELECT max(version) FROM {}").format(table)).fetchone()
        return (row and row[0]) or 0
