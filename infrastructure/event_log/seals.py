"""The seals, and the events as they are stored (ports: ``application.ports.seal``)."""

from collections.abc import Sequence
from uuid import UUID

from application.ports.seal import Seal, StoredEntry
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.store import TABLE, Database, Row, VersionConflict

_COLUMNS = "number, statement, signature, leaves"


class SqlSeals:
    """The table of seals, and the table of events without decoding.

    Args:
        database: holds them.
        queries: runs the queries, and retries them.
    """

    def __init__(self, database: Database, queries: QueryRunner) -> None:
        self._database = database
        self._queries = queries
        sql = database.dialect
        self._seals, self._position = f"{sql.schema}.seals", sql.position
        types = {"originator_id": "text", "originator_version": "integer", "topic": "text"}
        stored = [
            sql.as_stored.format(column=name, type=kind)
            for name, kind in {**types, "state": "blob"}.items()
        ]
        self._entries = f"SELECT {self._position}, {', '.join(stored)} FROM {sql.schema}.{TABLE}"  # noqa: S608

    def entries(self, after: int, limit: int) -> list[StoredEntry]:
        """The entries after a position, in order."""
        condition = f"WHERE {self._position} > ? ORDER BY {self._position} LIMIT ?"
        return self._read(condition, (after, limit))

    def entries_of(self, aggregate_id: UUID) -> list[StoredEntry]:
        """The entries of one aggregate, in order of version."""
        condition = "WHERE originator_id = ? ORDER BY originator_version"
        return self._read(condition, (aggregate_id.hex,))

    def last(self) -> Seal | None:
        """The seal with the highest number; None without seals."""
        return next(iter(self._select("ORDER BY number DESC LIMIT 1")), None)

    def page(self, after: int, limit: int) -> list[Seal]:
        """The seals after a number, in order."""
        return self._select("WHERE number > ? ORDER BY number LIMIT ?", after, limit)

    def covering(self, position: int) -> Seal | None:
        """The first seal whose last position is not before a position."""
        condition = "WHERE last_position >= ? ORDER BY last_position LIMIT 1"
        return next(iter(self._select(condition, position)), None)

    def add(self, seal: Seal, last_position: int) -> bool:
        """Stores a seal; returns False if there is one of its number already."""
        statement = (
            f"INSERT INTO {self._seals} ({_COLUMNS}, last_position) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?)"
        )
        row = (seal.number, seal.statement, seal.signature, seal.leaves, last_position)
        try:
            self._queries.run("store a seal", lambda: self._database.execute(statement, row))
        except VersionConflict:
            return False
        return True

    def close(self) -> None:
        """Closes all connections when the running queries have ended."""
        self._queries.close()
        self._database.close()

    def _read(self, condition: str, parameters: Sequence[object]) -> list[StoredEntry]:
        query = f"{self._entries} {condition}"
        rows = self._queries.run("read events", lambda: self._database.select(query, parameters))
        return [_entry(row) for row in rows]

    def _select(self, condition: str, *parameters: object) -> list[Seal]:
        query = f"SELECT {_COLUMNS} FROM {self._seals} {condition}"  # noqa: S608
        rows = self._queries.run("read seals", lambda: self._database.select(query, parameters))
        return [Seal(number, *map(_bytes, contents)) for number, *contents in rows]


def _entry(row: Row) -> StoredEntry:
    position, aggregate, version, topic, state = row
    return StoredEntry(position, _text(aggregate), version, _text(topic), _plain(state))


def _text(value: object) -> object:
    """A text: SQLite returns it as bytes, as it may hold some that are no text."""
    if isinstance(value, UUID):
        return value.hex
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


def _bytes(value: object) -> bytes:
    """The content of a column of a seal; of a damaged one, bytes that no seal has."""
    found = _plain(value)
    return found if isinstance(found, bytes) else repr(found).encode("utf-8", "surrogatepass")
