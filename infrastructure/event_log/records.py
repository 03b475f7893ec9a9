"""The records beside the log (ports: ``application.ports.records``)."""

import logging
from collections.abc import Collection, Iterator
from functools import partial
from hashlib import sha256

import zstandard

from application.ports.records import RENEWAL, StoredRecord
from application.records.references import outline
from infrastructure.event_log.record_tables import Entry, RecordTable, Row
from infrastructure.event_log.retry import DatabaseRetryPolicy

log = logging.getLogger(__name__)

CODEC = "zstd"
_LEVEL = 3
_BATCH = 200
"""Records that are deleted in one transaction: writers wait no longer than that takes."""


class SqlRecords:
    """Immutable, content-addressed records. Any thread may call anything at any time.

    Args:
        table: where they lie.
        patience: how long a database that does not answer is asked again.
    """

    def __init__(self, table: RecordTable, patience: DatabaseRetryPolicy) -> None:
        self._table = table
        self._patience = patience

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again only renews its age.

        Raises:
            EventLogUnavailable: the database cannot be reached.
        """
        digest = sha256(content).hexdigest()
        if not self._patience.ask("find a record", lambda: self._table.renew(digest, RENEWAL)):
            packed = zstandard.ZstdCompressor(level=_LEVEL).compress(content)
            row, found = Row(packed, CODEC, len(content)), outline(content)
            refers = sorted(found.refers)
            there = self._patience.ask(
                "store a record", lambda: self._table.insert(digest, row, found.kind, refers)
            )
            if there < len(refers):
                log.warning("record %s names digests that no record has: %s", digest, refers)
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

    def inventory(self) -> Iterator[StoredRecord]:
        """All records; those that are stored meanwhile may be missing.

        What an older version stored is looked at once, to note what it is.

        Raises:
            EventLogUnavailable: the database cannot be reached.
        """
        after = ""
        while page := self._patience.ask("list records", partial(self._table.page, after)):
            yield from map(self._stored, page)
            after = page[-1].digest

    def drop(self, digests: Collection[str], min_age: float) -> set[str]:
        """Deletes records, each unless its age is less than ``min_age`` seconds at that moment.

        Returns:
            The digests of those that were deleted.

        Raises:
            EventLogUnavailable: the database cannot be reached; some may have been deleted.
        """
        gone: set[str] = set()
        chosen = sorted(digests)
        for start in range(0, len(chosen), _BATCH):
            some = chosen[start : start + _BATCH]
            gone.update(
                self._patience.ask("drop records", partial(self._table.delete, some, min_age))
            )
        return gone

    def _stored(self, entry: Entry) -> StoredRecord:
        kind, refers = entry.kind, (entry.refers or "").split()
        if kind is None:
            kind, refers = self._looked_at(entry.digest)
        return StoredRecord(entry.digest, kind, frozenset(refers), entry.age, entry.size)

    def _looked_at(self, digest: str) -> tuple[str, list[str]]:
        try:
            found = outline(self.get(digest))
        except (KeyError, ValueError) as lost:
            log.warning(
                "what record %s refers to cannot be told; it is left alone: %s", digest, lost
            )
            return "", []
        refers = sorted(found.refers)
        self._patience.ask(
            "describe a record", lambda: self._table.describe(digest, found.kind, refers)
        )
        return found.kind, refers

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
