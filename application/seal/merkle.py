"""Merkle trees as in RFC 9162, section 2.1, over the entries of a seal."""

import hashlib
from collections.abc import Sequence

from application.ports.seal import StoredEntry


def leaf(entry: StoredEntry) -> bytes:
    """SHA-256 of an entry: each of its five values with its type and length before it."""
    values = (entry.position, entry.aggregate, entry.version, entry.topic, entry.state)
    found = hashlib.sha256(b"\x00")
    for value in values:
        kind, content = _encoded(value)
        found.update(kind + len(content).to_bytes(8, "big") + content)
    return found.digest()


def _encoded(value: object) -> tuple[bytes, bytes]:
    if isinstance(value, bytes):
        return b"b", value
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    if type(value) is int:
        return b"i", str(value).encode()
    return b"?", repr(value).encode("utf-8", "surrogatepass")  # of a damaged row


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of a tree; of an empty one, the hash of nothing."""
    if not leaves:
        return hashlib.sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes | None]:
    """The hashes from which, with one leaf, the root follows: the neighbour on each level.

    None where the node has no neighbour: it is the last one of a level with an odd number.
    """
    found: list[bytes | None] = []
    level, at = list(leaves), index
    while len(level) > 1:
        neighbour = at ^ 1
        found.append(level[neighbour] if neighbour < len(level) else None)
        level, at = _above(level), at // 2
    return found


def _above(level: list[bytes]) -> list[bytes]:
    """The level above. A node without a neighbour moves up: the trees are those of the RFC."""
    pairs = range(0, len(level) - 1, 2)
    above = [hashlib.sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in pairs]
    return above + level[len(above) * 2 :]
