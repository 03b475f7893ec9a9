"""The positions and hashes of the entries of a seal, as one string of bytes."""

from collections.abc import Iterable, Sequence

_POSITION, _HASH = 8, 32
_SIZE = _POSITION + _HASH


def packed(leaves: Iterable[tuple[int, bytes]]) -> bytes:
    """Positions (8 bytes, big-endian) and hashes (32 bytes)."""
    return b"".join(position.to_bytes(_POSITION, "big") + one for position, one in leaves)


def unpacked(stored: bytes) -> list[tuple[int, bytes]]:
    """The positions and hashes.

    Raises:
        ValueError: the length is wrong.
    """
    if len(stored) % _SIZE:
        raise ValueError(f"{len(stored)} bytes are no list of positions and hashes")
    return [
        (int.from_bytes(stored[at : at + _POSITION], "big"), stored[at + _POSITION : at + _SIZE])
        for at in range(0, len(stored), _SIZE)
    ]


def hashes(leaves: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """The hashes alone."""
    return [one for _, one in leaves]
