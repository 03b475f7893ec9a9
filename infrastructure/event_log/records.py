"""The stored records (ports: ``application.ports.records``)."""

import logging
from collections.abc import Collection, Iterator
from functools import partial
from hashlib import sha256

import zstandard

from application.ports.records import RENEWAL, StoredRecord
from application.records.references import references_of
from infrastructure.event_log.query_runner import QueryRunner
from infrastructure.event_log.record_table import InventoryRow, RecordRow, RecordTable

log = logging.getLogger(__name__)

CODEC = "zstd"
MAX_SIZE = 1 << 30
"""Bytes of a record that is unpacked: a few bytes of the codec can claim any size."""
_LEVEL = 3
_BATCH = 200
"""Records that are deleted in one transaction: writers wait until it ends."""


class SqlRecords:
    """Immutable, content-addressed records. Any thread may call anything at any time.

    Args:
        table: holds them.
        queries: runs the queries, and retries them.
    """

    def __init__(self, table: RecordTable, queries: QueryRunner) -> None:
        self._table = table
        self._queries = queries

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again only renews its age.

        Raises:
            EventLogUnavailable: the database cannot be reached.
        """
        digest = sha256(content).hexdigest()
        if not self._queries.run("find a record", lambda: self._table.renew(digest, RENEWAL)):
            row, found = packed(content), references_of(content)
            refers = sorted(found.refers)
            stored = self._queries.run(
                "store a record", lambda: self._table.insert(digest, row, found.kind, refers)
            )
            if stored < len(refers):
                log.warning("record %s: some of its references are not stored: %s", digest, refers)
        return digest

    def get(self, digest: str) -> bytes:
        """The content with a digest, verified.

        Raises:
            KeyError: there is none.
            ValueError: the stored content has another digest.
            EventLogUnavailable: the database cannot be reached.
        """
        row = self._queries.run("read a record", lambda: self._table.select(digest))
        if row is None:
            raise KeyError(digest)
        content = _unpacked(digest, row)
        if sha256(content).hexdigest() != digest:
            raise ValueError(f"record {digest}: the stored content has another digest")
        return content

    def inventory(self) -> Iterator[StoredRecord]:
        """All records; those that are stored meanwhile may be missing.

        A record of an older version is read once, to store its kind and its references.

        Raises:
            EventLogUnavailable: the database cannot be reached.
        """
        after = ""
        while page := self._queries.run("list records", partial(self._table.page, after)):
            yield from map(self._stored, page)
            after = page[-1].digest

    def drop(self, digests: Collection[str], min_age: float) -> set[str]:
        """Deletes records, each unless its age is less than ``min_age`` seconds at that moment.

        Returns:
            The digests of those that were deleted.

        Raises:
            EventLogUnavailable: the database cannot be reached; some may have been deleted.
        """
        deleted: set[str] = set()
        chosen = sorted(digests)
        for start in range(0, len(chosen), _BATCH):
            some = chosen[start : start + _BATCH]
            deleted.update(
                self._queries.run("drop records", partial(self._table.delete, some, min_age))
            )
        return deleted

    def _stored(self, row: InventoryRow) -> StoredRecord:
        kind, refers = row.kind, (row.refers or "").split()
        if kind is None:
            kind, refers = self._described(row.digest)
        return StoredRecord(row.digest, kind, frozenset(refers), row.age, row.size)

    def _described(self, digest: str) -> tuple[str, list[str]]:
        try:
            found = references_of(self.get(digest))
        except (KeyError, ValueError) as lost:
            log.warning("record %s cannot be read; it is kept: %s", digest, lost)
            return "", []
        refers = sorted(found.refers)
        self._queries.run(
            "describe a record", lambda: self._table.describe(digest, found.kind, refers)
        )
        return found.kind, refers

    def close(self) -> None:
        """Closes all connections when the running queries have ended."""
        self._queries.close()
        self._table.close()


def packed(content: bytes) -> RecordRow:
    """The row of some content."""
    return RecordRow(zstandard.ZstdCompressor(level=_LEVEL).compress(content), CODEC, len(content))


def _unpacked(digest: str, row: RecordRow) -> bytes:
    if row.codec != CODEC:
        raise ValueError(f"record {digest}: unknown codec {row.codec!r}")
    try:
        if row.size > MAX_SIZE:
            raise ValueError(f"record {digest}: longer than {MAX_SIZE} bytes")
        if zstandard.frame_content_size(row.content) != row.size:
            raise ValueError(f"record {digest}: not of the stored size")
        return zstandard.ZstdDecompressor().decompress(row.content)
    except zstandard.ZstdError as error:
        raise ValueError(f"record {digest}: cannot be decompressed: {error}") from error
