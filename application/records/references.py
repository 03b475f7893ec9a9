"""Finds the records that a record refers to.

A record refers to another by its digest. Every text in it that has the form of a digest counts,
in any field. So new formats of records need no change here; a text that only looks like a digest
keeps a record that could be deleted.
"""

import re
from dataclasses import dataclass

import msgspec

_DIGEST = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class RecordReferences:
    """The kind of a record and its references.

    Attributes:
        kind: of the cluster model that it holds (complete, or relative to another record), "" for
            any other record (a decision, an explanation).
        refers: digests that it contains.
    """

    kind: str
    refers: frozenset[str]


class _Model(msgspec.Struct):
    """The fields that only records of models have."""

    format: int
    kind: str


def references_of(content: bytes) -> RecordReferences:
    """Returns the kind and the references of a record."""
    found = frozenset(digest.decode() for digest in _DIGEST.findall(content))
    try:
        return RecordReferences(msgspec.json.decode(content, type=_Model).kind, found)
    except msgspec.MsgspecError:  # not JSON, or not a model's
        return RecordReferences("", found)
