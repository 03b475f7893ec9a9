"""What a record is and which others it refers to: the one place that tells.

A record refers to another by naming its digest. Every text in it that has the form of a digest
counts, whatever the field: a form of record that is yet to come needs no entry here, and a text
that only looks like a digest keeps a record that could go.
"""

import re
from dataclasses import dataclass

import msgspec

_DIGEST = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class RecordReferences:
    """A record, without its content.

    Attributes:
        kind: of the cluster model that it holds (whole, or what is left when another record is
            known), "" if it is of another sort (a decision, an explanation).
        refers: digests that it names.
    """

    kind: str
    refers: frozenset[str]


class _Model(msgspec.Struct):
    """What only records of models have."""

    format: int
    kind: str


def outline(content: bytes) -> RecordReferences:
    """The outline of any record."""
    found = frozenset(digest.decode() for digest in _DIGEST.findall(content))
    try:
        return RecordReferences(msgspec.json.decode(content, type=_Model).kind, found)
    except msgspec.MsgspecError:  # not JSON, or not a model's
        return RecordReferences("", found)
