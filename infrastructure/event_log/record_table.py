"""The table of records, in SQL that both databases understand."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from infrastructure.event_log.store import Database

PAGE = 1000
"""Rows of the inventory that are read at once."""


class RecordRow(NamedTuple):
    """A stored record.

    Attributes:
        content: compressed by ``codec``.
        size: of the uncompressed content, bytes.
    """

    content: bytes
    codec: str
    size: int


class InventoryRow(NamedTuple):
    """A record in the inventory.

    Attributes:
        kind: None if it is not known yet (an older version stored the record).
        refers: digests with spaces between them.
        age: s.
        size: of the compressed content, bytes.
    """

    digest: str
    kind: str | None
    refers: str | None
    age: float
    size: int


class RecordTable:
    """The table of records in one database. Every method raises ``Unreachable``.

    Ages are by the clock of the database; on SQLite, of this machine.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.dialect
        self._table = f"{self._sql.schema}.records"

    def insert(self, digest: str, row: RecordRow, kind: str, refers: Sequence[str]) -> int:
        """Adds a row unless its digest exists, and renews the ages of the records it refers to.

        Returns:
            How many of those exist.
        """
        now = self._sql.now
        with self._database.transaction() as execute:
            execute(
                f"INSERT INTO {self._table} "  # noqa: S608
                "(digest, content, codec, size, kind, refers, created_at, used_at) "
                f"VALUES (?, ?, ?, ?, ?, ?, {now}, {now}) "
                "ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at",
                (digest, *row, kind, " ".join(refers)),
            )
            if not refers:
                return 0
            return len(
                execute(
                    f"UPDATE {self._table} SET used_at = {now} WHERE digest IN "  # noqa: S608
                    f"(SELECT digest FROM {self._table} WHERE digest IN ({_marks(refers)}) "
                    f"ORDER BY digest {self._sql.lock_rows}) RETURNING digest",
                    refers,
                )
            )

    def renew(self, digest: str, older: float) -> bool:
        """Sets the age of a record to 0 if it is more than ``older`` seconds.

        Returns:
            Whether the record exists.
        """
        rows = self._database.select(
            f"SELECT coalesce(used_at > {self._sql.ago}, false) FROM {self._table} "  # noqa: S608
            "WHERE digest = ?",
            (older, digest),
        )
        if not rows or rows[0][0]:
            return bool(rows)
        return bool(
            self._database.execute(
                f"UPDATE {self._table} SET used_at = {self._sql.now} "  # noqa: S608
                "WHERE digest = ? RETURNING digest",
                (digest,),
            )
        )

    def select(self, digest: str) -> RecordRow | None:
        """The row of a digest."""
        rows = self._database.select(
            f"SELECT content, codec, size FROM {self._table} WHERE digest = ?",  # noqa: S608
            (digest,),
        )
        return RecordRow(bytes(rows[0][0]), rows[0][1], rows[0][2]) if rows else None

    def page(self, after: str) -> list[InventoryRow]:
        """The next rows of the inventory after a digest."""
        age = self._sql.age.format("coalesce(used_at, created_at)")
        rows = self._database.select(
            f"SELECT digest, kind, refers, {age}, length(content) FROM {self._table} "  # noqa: S608
            "WHERE digest > ? ORDER BY digest LIMIT ?",
            (after, PAGE),
        )
        return [InventoryRow(*row) for row in rows]

    def describe(self, digest: str, kind: str, refers: Sequence[str]) -> None:
        """Stores the kind and the references of a record."""
        self._database.execute(
            f"UPDATE {self._table} SET kind = ?, refers = ? WHERE digest = ?",  # noqa: S608
            (kind, " ".join(refers), digest),
        )

    def delete(self, digests: Collection[str], min_age: float) -> list[str]:
        """Deletes those of some records that have an age, in one transaction; returns them.

        PostgreSQL waits for a row that another transaction is renewing, and then checks its age
        again.
        """
        if not digests:
            return []
        rows = self._database.execute(
            f"DELETE FROM {self._table} WHERE digest IN ({_marks(digests)}) "  # noqa: S608
            f"AND coalesce(used_at, created_at) <= {self._sql.ago} RETURNING digest",
            (*digests, min_age),
        )
        return [row[0] for row in rows]

    def close(self) -> None:
        """Closes all connections."""
        self._database.close()


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
