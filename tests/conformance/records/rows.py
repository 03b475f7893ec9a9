"""The table of records behind the store's back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import psycopg

from infrastructure.clock import SystemClock


def execute(url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Runs a statement; ``?`` marks a parameter."""
    with _connected(url) as connection:
        return _rows(connection, statement, parameters)


def grow_old(url: str, *digests: str, days: float = 100) -> None:
    """Makes records (all by default) look as if nobody had used them for some days."""
    then = _told(-timedelta(days=days))
    chosen = digests or tuple(row[0] for row in execute(url, "SELECT digest FROM records"))
    for digest in chosen:
        execute(
            url,
            "UPDATE records SET created_at = ?, used_at = ? WHERE digest = ?",
            then,
            then,
            digest,
        )


@contextmanager
def renewing(url: str, digest: str) -> Iterator[None]:
    """Another writer that has renewed a record and commits when the block ends."""
    with _connected(url) as connection:
        _rows(connection, "BEGIN" if url.startswith("postgresql") else "BEGIN IMMEDIATE", ())
        renewal = "UPDATE records SET used_at = ? WHERE digest = ?"
        _rows(connection, renewal, (_told(timedelta()), digest))
        yield
        _rows(connection, "COMMIT", ())


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    if url.startswith("sqlite"):
        file = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as lite:
            yield lite
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def _told(offset: timedelta) -> str:
    return (SystemClock().now() + offset).isoformat(timespec="microseconds")


def _rows(connection: Any, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
    marked = statement
    if isinstance(connection, psycopg.Connection):
        marked = statement.replace("?", "%s")
    cursor = connection.execute(marked, parameters)
    return cursor.fetchall() if cursor.description else []
