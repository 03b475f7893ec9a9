"""The statement of a seal: canonical JSON, so that the same bytes are signed everywhere."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime

DOMAIN = b"vigil-seal-1\n"
"""Precedes a statement in what is signed: a signature cannot be used for anything else."""
FIRST_PREVIOUS = "0" * 64
"""What the first statement has in ``previous``."""


class BadStatement(ValueError):
    """Bytes that are no statement."""


@dataclass(frozen=True)
class Statement:
    """What a seal says.

    Attributes:
        number: from 1, without gaps.
        after: the last position of the seal before; 0 in the first.
        first, last: positions of the first and the last entry.
        count: number of entries; positions may have holes.
        root: of their Merkle tree, hex.
        previous: SHA-256 of the statement before, hex.
        sealed_at: ISO 8601 with UTC offset.
        key: name of the key that signs.
    """

    number: int
    after: int
    first: int
    last: int
    count: int
    root: str
    previous: str
    sealed_at: str
    key: str

    def encoded(self) -> bytes:
        """Members sorted, no spaces, ASCII."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()


def digest(statement: bytes) -> str:
    """What the next statement has in ``previous``."""
    return hashlib.sha256(statement).hexdigest()


def parse(statement: bytes) -> Statement:
    """Reads a statement.

    Raises:
        BadStatement: it is not one, or not in the canonical form.
    """
    try:
        values = json.loads(statement)
    except (ValueError, RecursionError) as error:
        raise BadStatement(f"it is not JSON: {error}") from error
    wanted = {field.name: field.type for field in fields(Statement)}
    if not isinstance(values, dict) or values.keys() != wanted.keys():
        raise BadStatement(f"its members must be {', '.join(sorted(wanted))}")
    for name, kind in wanted.items():
        if type(values[name]) is not kind:
            raise BadStatement(f"{name}: must be {kind!r}, not {values[name]!r}")
    found = Statement(**values)
    if found.encoded() != statement:
        raise BadStatement("it is not in the canonical form")
    try:
        datetime.fromisoformat(found.sealed_at)
    except ValueError as error:
        raise BadStatement(f"sealed_at: {error}") from error
    return found
