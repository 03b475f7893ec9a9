"""The schema of the event database: made once, checked at each opening."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL

from infrastructure.event_log import SchemaError, check, open_event_log, open_records, upgrade
from infrastructure.event_log.migrations import STEPS, Step
from tests.conformance.event_log.counters import opened

LATER = Step(
    len(STEPS) + 1,
    "later",
    lambda _: ["CREATE TABLE later (x integer)", "INSERT INTO later VALUES (1)"],
    lambda _: [
        SQL("CREATE TABLE public.later (x integer)").format(),
        SQL("INSERT INTO public.later VALUES (1)").format(),
    ],
)
BROKEN = replace(
    LATER,
    sqlite=lambda path: [*LATER.sqlite(path), "NONSENSE"],
    postgres=lambda url: [*LATER.postgres(url), SQL("NONSENSE").format()],
)
NAMES = [f"{step.version} {step.name}" for step in STEPS]


def test_an_upgrade_names_what_it_did_and_does_it_once(database_url: str) -> None:
    assert upgrade(database_url) == NAMES
    assert upgrade(database_url) == []
    check(database_url)


def test_of_many_upgrades_at_once_one_does_it(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(upgrade, [database_url] * 4))
    assert sorted(done) == [[], [], [], NAMES]


def test_an_upgrade_goes_on_from_where_the_schema_is_and_keeps_the_events(
    event_database: str,
) -> None:
    log = open_event_log(event_database)
    opened(log, 1)
    log.close()
    with pytest.raises(SchemaError, match=rf"at version {len(STEPS)} of .*vigil db upgrade"):
        check(event_database, [*STEPS, LATER])
    assert upgrade(event_database, [*STEPS, LATER]) == [f"{LATER.version} later"]
    with pytest.raises(SchemaError, match="newer Vigil"):
        open_event_log(event_database)
    with pytest.raises(SchemaError, match="newer Vigil"):
        upgrade(event_database)
    check(event_database, [*STEPS, LATER])
    assert count(event_database, "stored_events") == 2


def test_a_step_that_fails_leaves_nothing_behind(event_database: str) -> None:
    with pytest.raises(SchemaError, match="NONSENSE"):
        upgrade(event_database, [*STEPS, BROKEN])
    check(event_database)
    assert upgrade(event_database, [*STEPS, LATER]) == [f"{LATER.version} later"]


def count(url: str, table: str) -> int:
    statement = f"SELECT count(*) FROM {table}"  # noqa: S608
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as lite:
            return int(lite.execute(statement).fetchone()[0])
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return int(row[0])


def test_a_database_without_the_schema_is_not_opened(database_url: str) -> None:
    for opening in (open_event_log, open_records):
        with pytest.raises(SchemaError, match=r"has no Vigil schema: .* run `vigil db upgrade`"):
            opening(database_url)


def test_looking_for_a_file_does_not_create_it(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with pytest.raises(SchemaError):
        check(f"sqlite:///{path}")
    assert not path.exists()


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_text("these are not the bytes that you are looking for" * 100)
    for action in (check, upgrade):
        with pytest.raises(SchemaError, match="not a database"):
            action(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?x=1", "events"],
)
def test_a_url_of_another_form_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="event log") as refused:
        open_event_log(url)
    assert "secret" not in str(refused.value)


def test_the_insert_function_that_loses_events_is_not_installed(postgres_url: str) -> None:
    upgrade(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = 'public'"
        ).fetchone()
    assert row == (0,)


def test_positions_survive_a_vacuum_and_are_never_given_twice(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    log = open_event_log(sqlite_url)
    for _ in range(4):
        opened(log)
    with closing(
        sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    ) as other:
        other.execute("DELETE FROM stored_events WHERE rowid IN (2, 4)")  # never done by Vigil
        other.execute("VACUUM")
    opened(log)
    assert [entry.position for entry in log.read(0, 10)] == [1, 3, 5]
    log.close()


@pytest.mark.parametrize(
    "row",
    [
        ("not-an-id", 1, "t", b"{}"),
        ("0" * 32, "one", "t", b"{}"),
        ("0" * 32, 1, None, b"{}"),
        ("0" * 32, 1, b"t", b"{}"),
        ("0" * 32, 1, "t", "text"),
        ("0" * 32, 1, "t", None),
    ],
)
def test_rows_that_no_reader_could_show_are_kept_out(
    sqlite_url: str, row: tuple[object, ...]
) -> None:
    upgrade(sqlite_url)
    insert = (
        "INSERT INTO stored_events (originator_id, originator_version, topic, state) "
        "VALUES (?, ?, ?, ?)"
    )
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        with pytest.raises(sqlite3.IntegrityError):
            other.execute(insert, row)
        other.execute(insert, ("0" * 32, 1, "t", b"{}"))
