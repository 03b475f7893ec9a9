"""Decision records beside the log (port: ``application.ports.records.Records``)."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import zstandard

from infrastructure.event_log import postgres, sqlite
from infrastructure.event_log.patience import Patience

CODEC = "zstd"
_LEVEL = 3


class Row(NamedTuple):
    """A stored record.

    Attributes:
        content: compressed by ``codec``.
        size: of the uncompressed content, bytes.
    """

    content: bytes
    codec: str
    size: int


class RecordTable(Protocol):
    """The table of records in one database. Raises ``Unreachable``."""

    def insert(self, digest: str, row: Row) -> None:
        """Adds a row unless its digest is there."""
        ...

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...


class SqliteRecords:
    """The records in one file."""

    def __init__(self, path: Path, pool: int = 2) -> None:
        self._datastore = sqlite.datastore(path, pool)

    def insert(self, digest: str, row: Row) -> None:
        """Adds a row unless its digest is there."""
        with sqlite.translated(), self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO records (digest, content, codec, size, created_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                (digest, *row, datetime.now(UTC).isoformat()),  # noqa: TID251 - when it was stored
            )

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        with sqlite.translated(), self._datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT content, codec, size FROM records WHERE digest = ?", (digest,))
            row = cursor.fetchone()
            return None if row is None else Row(bytes(row[0]), row[1], row[2])

    def close(self) -> None:
        """Gives connections back."""
        self._datastore.close()


class PostgresRecords:
    """The records in one database."""

    def __init__(self, url: str, pool: int = 4) -> None:
        self._datastore = postgres.datastore(url, pool)

    def insert(self, digest: str, row: Row) -> None:
        """Adds a row unless its digest is there."""
        with postgres.answered_by(self._datastore) as connection:
            connection.execute(
                "INSERT INTO public.records (digest, content, codec, size, created_at) "
                "VALUES (%s, %s, %s, %s, now()) ON CONFLICT (digest) DO NOTHING",
                (digest, *row),
            )

    def select(self, digest: str) -> Row | None:
        """The row of a digest."""
        with postgres.answered_by(self._datastore) as connection:
            row = connection.execute(
                "SELECT content, codec, size FROM public.records WHERE digest = %s", (digest,)
            ).fetchone()
            return None if row is None else Row(bytes(row["content"]), row["codec"], row["size"])

    def close(self) -> None:
        """Gives connections back."""
        self._datastore.close()


class SqlRecords:
    """Immutable, content-addressed records. Any thread may call anything at any time.

    Args:
        table: where they lie.
        patience: how long a database that does not answer is asked again.
    """

    def __init__(self, table: RecordTable, patience: Patience) -> None:
        self._table = table
        self._patience = patience

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again changes nothing.

        Raises:
            EventLogUnavailable: the database cannot be reached.
        """
        digest = sha256(content).hexdigest()
        if self._patience.ask("find a record", lambda: self._table.select(digest)) is None:
            packed = zstandard.ZstdCompressor(level=_LEVEL).compress(content)
            row = Row(packed, CODEC, len(content))
            self._patience.ask("store a record", lambda: self._table.insert(digest, row))
        return digest

    def get(self, digest: str) -> bytes:
        """The content with a digest, verified.

        Raises:
            KeyError: there is none.
            ValueError: what is stored does not have the digest.
            EventLogUnavailable: the database cannot be reached.
        """
        row = self._patience.ask("read a record", lambda: self._table.select(digest))
        if row is None:
            raise KeyError(digest)
        content = _unpacked(digest, row)
        if sha256(content).hexdigest() != digest:
            raise ValueError(f"record {digest}: what is stored has another digest")
        return content

    def close(self) -> None:
        """Gives connections back."""
        self._patience.end()
        self._table.close()


def _unpacked(digest: str, row: Row) -> bytes:
    if row.codec != CODEC:
        raise ValueError(f"record {digest}: unknown codec {row.codec!r}")
    try:
        if zstandard.frame_content_size(row.content) != row.size:
            raise ValueError(f"record {digest}: not of the size that was noted")
        return zstandard.ZstdDecompressor().decompress(row.content)
    except zstandard.ZstdError as error:
        raise ValueError(f"record {digest}: cannot be decompressed: {error}") from error
