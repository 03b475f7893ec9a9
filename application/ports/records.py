"""The ports of what lies beside the log: immutable records, and what there is of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol


class RecordStore(Protocol):
    """Immutable, content-addressed records that lie beside the log."""

    def put(self, content: bytes) -> str:
        """Stores content; returns its SHA-256 in hex. Storing it again only renews its age.

        So do, for the records that it refers to, the storing of new content: what is referred to
        anew is not pruned as old (``RecordInventory.drop``).
        """
        ...

    def get(self, digest: str) -> bytes:
        """The content with a digest, verified.

        Raises:
            KeyError: there is none.
            ValueError: what is stored does not have the digest.
        """
        ...


@dataclass(frozen=True)
class StoredRecord:
    """A record, from outside.

    Attributes:
        kind: of the cluster model that it holds (``compute``, …), "" if it holds none.
        refers: digests of the records that it names; some of them may not be there.
        age: seconds since it was last stored or referred to anew, or up to ``RENEWAL`` more.
        size: bytes that it takes.
    """

    digest: str
    kind: str
    refers: frozenset[str]
    age: float
    size: int


RENEWAL = 3600.0
"""Seconds within which an age need not be renewed again: so much a record may be younger."""


class RecordInventory(Protocol):
    """What there is of records, and how they go. Safe beside any number of writers."""

    def inventory(self) -> Iterator[StoredRecord]:
        """All records; those that are stored meanwhile may be missing."""
        ...

    def drop(self, digests: Collection[str], min_age: float) -> set[str]:
        """Deletes records, each unless its age is less than ``min_age`` seconds at that moment.

        Returns:
            The digests of those that were deleted.
        """
        ...
