"""The table of records in either database."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from infrastructure.event_log import postgres, sqlite

PAGE = 1000
"""Rows of the inventory that are read at once."""


class Row(NamedTuple):
    """A stored record.

    Attributes:
        content: compressed by ``codec``.
        size: of the uncompressed content, bytes.
    """

    content: bytes
    codec: str
    size: int


class Entry(NamedTuple):
    """A record in the inventory.

    Attributes:
        kind: None if nobody has looked yet (an older version stored it).
        refers: digests with spaces between them.
        age: s.
        size: of the compressed content, bytes.
    """

    digest: str
    kind: str | None
    refers: str | None
    age: float
    size: int


class RecordTable(Protocol):
    """The table of records in one database. Raises ``Unreachable``."""

    def insert(self, digest: str, row: Row, kind: str, refers: Sequence[str]) -> int:
        """Adds a row unless its digest is there, and renews the ages of those it refers to.

        Returns:
            How many of those are there.
        """
        ...

    def renew(self, digest: str, older: float) -> bool:
        """Whether a record is there; makes its age 0 if it is more than ``older`` seconds."""
        ...

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        ...

    def page(self, after: str) -> list[Entry]:
        """The next entries behind a digest."""
        ...

    def describe(self, digest: str, kind: str, refers: Sequence[str]) -> None:
        """Notes what a record is."""
        ...

    def delete(self, digests: Collection[str], min_age: float) -> list[str]:
        """Deletes those of some records that have an age, in one transaction; returns them."""
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...


class SqliteRecords:
    """The records in one file. Their ages are by the machine's clock."""

    def __init__(self, path: Path, pool: int = 2) -> None:
        self._datastore = sqlite.datastore(path, pool)

    def insert(self, digest: str, row: Row, kind: str, refers: Sequence[str]) -> int:
        """Adds a row unless its digest is there, and renews the ages of those it refers to."""
        now = _ago(0)
        with sqlite.translated(), self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO records "
                "(digest, content, codec, size, kind, refers, created_at, used_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at",
                (digest, *row, kind, " ".join(refers), now, now),
            )
            cursor.execute(
                f"UPDATE records SET used_at = ? WHERE digest IN ({_marks(refers)}) "  # noqa: S608
                "RETURNING digest",
                (now, *refers),
            )
            return len(cursor.fetchall())

    def renew(self, digest: str, older: float) -> bool:
        """Whether a record is there; makes its age 0 if it is more than ``older`` seconds."""
        used = self._rows("SELECT used_at FROM records WHERE digest = ?", digest)
        if not used or (used[0][0] is not None and used[0][0] > _ago(older)):
            return bool(used)
        with sqlite.translated(), self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "UPDATE records SET used_at = ? WHERE digest = ? RETURNING digest",
                (_ago(0), digest),
            )
            return bool(cursor.fetchall())

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        rows = self._rows("SELECT content, codec, size FROM records WHERE digest = ?", digest)
        return Row(bytes(rows[0][0]), rows[0][1], rows[0][2]) if rows else None

    def page(self, after: str) -> list[Entry]:
        """The next entries behind a digest."""
        rows = self._rows(
            "SELECT digest, kind, refers, coalesce(used_at, created_at), length(content) "
            "FROM records WHERE digest > ? ORDER BY digest LIMIT ?",
            after,
            PAGE,
        )
        now = datetime.now(UTC)  # noqa: TID251 - as when they were stored
        return [
            Entry(digest, kind, refers, (now - datetime.fromisoformat(at)).total_seconds(), size)
            for digest, kind, refers, at, size in rows
        ]

    def describe(self, digest: str, kind: str, refers: Sequence[str]) -> None:
        """Notes what a record is."""
        with sqlite.translated(), self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "UPDATE records SET kind = ?, refers = ? WHERE digest = ?",
                (kind, " ".join(refers), digest),
            )

    def delete(self, digests: Collection[str], min_age: float) -> list[str]:
        """Deletes those of some records that have an age, in one transaction; returns them."""
        with sqlite.translated(), self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                f"DELETE FROM records WHERE digest IN ({_marks(digests)}) "  # noqa: S608
                "AND coalesce(used_at, created_at) <= ? RETURNING digest",
                (*digests, _ago(min_age)),
            )
            return [row[0] for row in cursor.fetchall()]

    def close(self) -> None:
        """Gives connections back."""
        self._datastore.close()

    def _rows(self, statement: str, *parameters: object) -> list[Any]:
        with sqlite.translated(), self._datastore.transaction(commit=False) as cursor:
            cursor.execute(statement, parameters)
            rows: list[Any] = cursor.fetchall()
            return rows


class PostgresRecords:
    """The records in one database. Their ages are by its clock."""

    def __init__(self, url: str, pool: int = 4) -> None:
        self._datastore = postgres.datastore(url, pool)

    def insert(self, digest: str, row: Row, kind: str, refers: Sequence[str]) -> int:
        """Adds a row unless its digest is there, and renews the ages of those it refers to."""
        with postgres.answered_by(self._datastore) as connection, connection.transaction():
            connection.execute(
                "INSERT INTO public.records "
                "(digest, content, codec, size, kind, refers, created_at, used_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, now(), now()) "
                "ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at",
                (digest, *row, kind, " ".join(refers)),
            )
            return connection.execute(
                "UPDATE public.records SET used_at = now() WHERE digest IN "
                "(SELECT digest FROM public.records WHERE digest = ANY(%s) "
                "ORDER BY digest FOR UPDATE)",
                (list(refers),),
            ).rowcount

    def renew(self, digest: str, older: float) -> bool:
        """Whether a record is there; makes its age 0 if it is more than ``older`` seconds."""
        with postgres.answered_by(self._datastore) as connection:
            row = connection.execute(
                "SELECT coalesce(used_at > now() - make_interval(secs => %s), false) AS fresh "
                "FROM public.records WHERE digest = %s",
                (older, digest),
            ).fetchone()
            if row is None or row["fresh"]:
                return row is not None
            return bool(
                connection.execute(
                    "UPDATE public.records SET used_at = now() WHERE digest = %s", (digest,)
                ).rowcount
            )

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        with postgres.answered_by(self._datastore) as connection:
            row = connection.execute(
                "SELECT content, codec, size FROM public.records WHERE digest = %s", (digest,)
            ).fetchone()
            return None if row is None else Row(bytes(row["content"]), row["codec"], row["size"])

    def page(self, after: str) -> list[Entry]:
        """The next entries behind a digest."""
        with postgres.answered_by(self._datastore) as connection:
            rows = connection.execute(
                "SELECT digest, kind, refers, octet_length(content) AS size, "
                "extract(epoch FROM now() - coalesce(used_at, created_at))::float8 AS age "
                "FROM public.records WHERE digest > %s ORDER BY digest LIMIT %s",
                (after, PAGE),
            ).fetchall()
        return [
            Entry(row["digest"], row["kind"], row["refers"], row["age"], row["size"])
            for row in rows
        ]

    def describe(self, digest: str, kind: str, refers: Sequence[str]) -> None:
        """Notes what a record is."""
        with postgres.answered_by(self._datastore) as connection:
            connection.execute(
                "UPDATE public.records SET kind = %s, refers = %s WHERE digest = %s",
                (kind, " ".join(refers), digest),
            )

    def delete(self, digests: Collection[str], min_age: float) -> list[str]:
        """Deletes those of some records that have an age, in one transaction; returns them.

        A row that another transaction is renewing is waited for, and looked at again then.
        """
        with postgres.answered_by(self._datastore) as connection:
            rows = connection.execute(
                "DELETE FROM public.records WHERE digest = ANY(%s) "
                "AND coalesce(used_at, created_at) <= now() - make_interval(secs => %s) "
                "RETURNING digest",
                (list(digests), min_age),
            ).fetchall()
        return [row["digest"] for row in rows]

    def close(self) -> None:
        """Gives connections back."""
        self._datastore.close()


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _ago(seconds: float) -> str:
    when = datetime.now(UTC) - timedelta(seconds=seconds)  # noqa: TID251 - when it is stored
    return when.isoformat(timespec="microseconds")
