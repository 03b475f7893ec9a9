"""The kinds of models that notifications amend, and the records of their facts.

A record holds the facts of one batch and the digest of the previous record; after ``LINKS`` records
one holds all facts since the collection. The cost of a batch depends on its facts, not on the size
of the cloud, and a past model is read from few records.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import msgspec

from application.cluster_models.kinds import COMPUTE, STORAGE, CollectedKind, M
from application.cluster_models.record import CollectedModel, log_unreadable, read_model
from application.ports.records import RecordStore
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models.amendments import (
    Admission,
    AmendedModel,
    ComputeAmendments,
    ComputeFacts,
    FactSet,
    StorageAmendments,
    StorageFacts,
    admit_compute,
    admit_storage,
)
from domain.kernel.aggregate import JsonObject

FORMAT = 1
"""Version of the record's format."""
LINKS = 32
"""Maximum number of records that must be read to know all facts."""

S = TypeVar("S", bound=FactSet)


@dataclass(frozen=True)
class AmendableKind(Generic[M, S]):
    """A kind of model that notifications amend.

    Attributes:
        kind: the kind.
        facts: the type of its fact sets; without arguments it makes the empty set.
        amend: applies facts to a model.
        admit: judges facts; arguments: amended model, facts, since when (seconds since the epoch).
    """

    kind: CollectedKind[M]
    facts: type[S]
    amend: Callable[[M, S], AmendedModel[M, S]]
    admit: Callable[[Any, S, float], Admission[S, Any]]


COMPUTE_AMENDING: AmendableKind[ComputeModel, ComputeFacts] = AmendableKind(
    COMPUTE, ComputeFacts, ComputeAmendments, admit_compute
)
STORAGE_AMENDING: AmendableKind[StorageModel, StorageFacts] = AmendableKind(
    STORAGE, StorageFacts, StorageAmendments, admit_storage
)
_AMENDABLE: dict[ModelKind, AmendableKind[Any, Any]] = {
    ModelKind.COMPUTE: COMPUTE_AMENDING,
    ModelKind.STORAGE: STORAGE_AMENDING,
}


def amendable(kind: CollectedKind[M]) -> AmendableKind[M, Any] | None:
    """The amendable form of a kind; None if notifications do not amend it."""
    return _AMENDABLE.get(kind.name)


class AmendmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The stored form of some facts.

    Attributes:
        format: version of this format.
        kind: ``compute`` or ``storage``.
        base: digest of the record of the collection.
        previous: digest of the previous record; None if this record holds all facts.
        depth: number of records to read for all facts, including this one.
        facts: the set of facts, as JSON.
    """

    format: int
    kind: str
    base: str
    previous: str | None
    depth: int
    facts: JsonObject


class _Outline(msgspec.Struct):
    """The fields that only amendment records have."""

    base: str
    depth: int


def encode_amendment(
    kind: CollectedKind[Any], base: str, previous: str | None, depth: int, facts: FactSet
) -> bytes:
    """Canonical bytes of an amendment record."""
    record = AmendmentRecord(
        format=FORMAT,
        kind=kind.name.value,
        base=base,
        previous=previous,
        depth=depth,
        facts=cast("JsonObject", msgspec.to_builtins(facts)),
    )
    return msgspec.json.encode(record, order="sorted")


def load_facts(records: RecordStore, how: AmendableKind[M, S], digest: str | None) -> S:
    """All facts of a record and of those before it; the empty set without a record.

    Raises:
        KeyError, ValueError: a record is missing, or is not an amendment record of the kind.
    """
    facts = how.facts()
    while digest is not None:
        record = msgspec.json.decode(records.get(digest), type=AmendmentRecord)
        if record.format != FORMAT or record.kind != how.kind.name:
            raise ValueError(f"an amendment of {record.kind}, format {record.format}")
        facts = facts.joined(msgspec.convert(record.facts, how.facts))
        digest = record.previous
    return facts


def load_amended(
    records: RecordStore, kind: CollectedKind[M], digest: str
) -> CollectedModel[M] | None:
    """Reads a model from its record, collected or amended.

    Returns None, and logs why, if it cannot be read.
    """
    how = amendable(kind)
    try:
        content = records.get(digest)
        base = None if how is None else _base(content)
        if how is None or base is None:
            return read_model(kind, digest, content)
        collected = read_model(kind, base, records.get(base))
        facts = load_facts(records, how, digest)
    except (KeyError, ValueError) as error:
        log_unreadable(kind, digest, error)
        return None
    model, problems = how.amend(collected.model, facts).model()
    return CollectedModel(model=model, digest=digest, problems=(*collected.problems, *problems))


def _base(content: bytes) -> str | None:
    """The collection that a record amends; None for the record of a collection."""
    try:
        return msgspec.json.decode(content, type=_Outline).base
    except ValueError:
        return None
