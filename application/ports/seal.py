"""The ports of the seal: entries as they are stored, the seals, keys, and anchors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

SEALS_READ = 100
"""Seals that are read at once: each has the hashes of its entries."""


@dataclass(frozen=True)
class StoredEntry:
    """A row of the event log as it is stored. Nothing is decoded, so any content can be read.

    Attributes:
        position: in the whole log.
        aggregate: the id of its aggregate, 32 hexadecimal digits.
        version: its number among the events of its aggregate.
        topic: its type name.
        state: its content. These four are of other types if somebody damaged the row.
    """

    position: int
    aggregate: object
    version: object
    topic: object
    state: object


@dataclass(frozen=True)
class Seal:
    """A signed statement about a run of consecutive entries.

    Attributes:
        number: from 1, without gaps.
        statement: see ``application.seal.statement``.
        signature: of the statement.
        leaves: position (8 bytes, big-endian) and hash (32 bytes) of each entry, in order.
    """

    number: int
    statement: bytes
    signature: bytes
    leaves: bytes


class StoredEntries(Protocol):
    """The event log without decoding. Methods raise ``EventLogUnavailable``."""

    def entries(self, after: int, limit: int) -> list[StoredEntry]:
        """The entries after a position, in order."""
        ...

    def entries_of(self, aggregate_id: UUID) -> list[StoredEntry]:
        """The entries of one aggregate, in order of version."""
        ...


class Seals(Protocol):
    """The stored seals. Methods raise ``EventLogUnavailable``."""

    def last(self) -> Seal | None:
        """The seal with the highest number; None without seals."""
        ...

    def page(self, after: int, limit: int) -> list[Seal]:
        """The seals after a number, in order."""
        ...

    def covering(self, position: int) -> Seal | None:
        """The first seal whose last position is not before a position."""
        ...

    def add(self, seal: Seal, last_position: int) -> bool:
        """Stores a seal, to be found by its last position; returns False if its number is taken."""
        ...


class Signer(Protocol):
    """A private key.

    Attributes:
        key: the name of its public key: the beginning of that key's SHA-256, in hex.
    """

    @property
    def key(self) -> str:
        """See the attributes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        ...


class Verifier(Protocol):
    """The public keys that are trusted."""

    def knows(self, key: str) -> bool:
        """Whether a key with this name is trusted."""
        ...

    def is_signed(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether the signature of a message is of a trusted key."""
        ...


class AnchorUnavailable(Exception):
    """The anchor cannot be read or written."""


class Anchor(Protocol):
    """A copy of the statements that writers of the database cannot change.

    Methods raise ``AnchorUnavailable``.
    """

    def add(self, statements: Sequence[bytes]) -> None:
        """Appends statements."""
        ...

    def statements(self) -> list[bytes]:
        """All statements, in order."""
        ...
