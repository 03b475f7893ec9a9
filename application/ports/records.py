"""The ports of the stored records: immutable, content-addressed, in the database of the log."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol


class RecordStore(Protocol):
    """Stores and reads records."""

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again only resets its age.

        Storing new content also resets the age of the records that it refers to, so that they are
        not pruned as old (``RecordInventory.drop``).
        """
        ...

    def get(self, digest: str) -> bytes:
        """The content with a digest, after verification.

        Raises:
            KeyError: there is none.
            ValueError: the stored content does not have the digest.
        """
        ...


@dataclass(frozen=True)
class StoredRecord:
    """The description of a stored record.

    Attributes:
        kind: of the cluster model in it (``compute``, …), "" if it contains none.
        refers: digests of the records that it refers to; some of them may not exist.
        age: seconds since it was last stored or newly referred to, or up to ``RENEWAL`` more.
        size: stored bytes.
    """

    digest: str
    kind: str
    refers: frozenset[str]
    age: float
    size: int


RENEWAL = 3600.0
"""Seconds in which an age is reset at most once: a record may be that much younger."""


class RecordInventory(Protocol):
    """Lists and deletes records. Safe with any number of concurrent writers."""

    def inventory(self) -> Iterator[StoredRecord]:
        """All records; those that are being stored may be missing."""
        ...

    def drop(self, digests: Collection[str], min_age: float) -> set[str]:
        """Deletes those records whose age is at least ``min_age`` seconds at that moment.

        Returns:
            The digests of the deleted records.
        """
        ...
