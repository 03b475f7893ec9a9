"""The kinds of models that notifications amend, and the records of what they tell.

A record holds the facts of one batch only, and names the record before it; after ``LINKS`` of them
one holds everything that was told since the collection. So a batch costs what it tells, not what
the cloud holds, and any past model takes few records to read.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from application.cluster_models.kinds import COMPUTE, STORAGE, CollectedKind, M
from application.cluster_models.record import LoadedModel, load_model
from application.ports.records import RecordStore
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models.amendments import (
    Admission,
    ComputeAmendments,
    ComputeFacts,
    StorageAmendments,
    StorageFacts,
    admit_compute,
    admit_storage,
    carried_compute,
    carried_storage,
)
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of the record's own shape."""
LINKS = 32
"""Records that are read at most to know all facts."""


class FactSet(Protocol):
    """A set of facts that can be joined to others (``domain.cluster_models.amendments``)."""

    def __len__(self) -> int: ...

    def joined(self, other: Any) -> Any:
        """Everything that both tell."""
        ...


S = TypeVar("S", bound=FactSet)
S_co = TypeVar("S_co", bound=FactSet, covariant=True)
M_co = TypeVar("M_co", covariant=True)


class AmendedModel(Protocol[M_co, S_co]):
    """A collected model with facts over it."""

    @property
    def base(self) -> M_co:
        """What the collection showed."""
        ...

    @property
    def facts(self) -> S_co:
        """What was admitted since."""
        ...

    def model(self) -> tuple[M_co, tuple[Cause, ...]]:
        """The model with everything that is told, and what of it could not be used."""
        ...


@dataclass(frozen=True)
class AmendableKind(Generic[M, S]):
    """A kind of model that notifications amend.

    Attributes:
        kind: the kind.
        facts: the type of its fact sets; called without arguments, the empty one.
        over: a model with facts over it.
        admit: judges facts: amended model, facts, since when (seconds since the epoch).
        carried: what a new collection cannot have seen: amended model, new base, since when.
    """

    kind: CollectedKind[M]
    facts: type[S]
    over: Callable[[M, S], AmendedModel[M, S]]
    admit: Callable[[Any, S, float], Admission[S, AmendedModel[M, S]]]
    carried: Callable[[Any, M, float], Admission[S, AmendedModel[M, S]]]


COMPUTE_AMENDING: AmendableKind[ComputeModel, ComputeFacts] = AmendableKind(
    COMPUTE, ComputeFacts, ComputeAmendments, admit_compute, carried_compute
)
STORAGE_AMENDING: AmendableKind[StorageModel, StorageFacts] = AmendableKind(
    STORAGE, StorageFacts, StorageAmendments, admit_storage, carried_storage
)
_AMENDABLE: dict[ModelKind, AmendableKind[Any, Any]] = {
    ModelKind.COMPUTE: COMPUTE_AMENDING,
    ModelKind.STORAGE: STORAGE_AMENDING,
}


def amendable(kind: CollectedKind[M]) -> AmendableKind[M, Any] | None:
    """How notifications amend a kind of model; None if none do."""
    return _AMENDABLE.get(kind.name)


class AmendmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Some facts.

    Attributes:
        format: version of this shape.
        kind: ``compute`` or ``storage``.
        base: digest of the record of the collection.
        previous: digest of the record before; None if this one holds everything.
        depth: how many records there are to be read, this one included.
        facts: the set of facts, as JSON.
    """

    format: int
    kind: str
    base: str
    previous: str | None
    depth: int
    facts: JsonObject


class _Outline(msgspec.Struct):
    """What only records of amendments have."""

    base: str
    depth: int


def encode_amendment(
    kind: CollectedKind[Any], base: str, previous: str | None, depth: int, facts: FactSet
) -> bytes:
    """Canonical bytes of some facts."""
    plain = msgspec.to_builtins(facts)
    record = AmendmentRecord(
        format=FORMAT,
        kind=kind.name.value,
        base=base,
        previous=previous,
        depth=depth,
        facts=cast("JsonObject", plain),
    )
    return msgspec.json.encode(record, order="sorted")


def load_facts(records: RecordStore, how: AmendableKind[M, S], digest: str | None) -> S:
    """All facts that the newest of some records tells of, by itself or through those before it.

    Raises:
        KeyError, ValueError: a record is not there, or is none of amendments of the kind.
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
) -> LoadedModel[M] | None:
    """A model from its record, whether it was collected or amended.

    None (and a word in the log) if it is not to be had.
    """
    how = amendable(kind)
    content = None if how is None else _content(records, digest)
    base = None if content is None else _base(content)
    if how is None or base is None:
        return load_model(records, kind, digest, content)
    collected = load_model(records, kind, base)
    if collected is None:
        return None
    try:
        facts = load_facts(records, how, digest)
    except (KeyError, ValueError) as lost:
        log.warning("the amendments %s of a %s model cannot be read: %s", digest, kind.name, lost)
        return None
    model, problems = how.over(collected.model, facts).model()
    return LoadedModel(digest, model, (*collected.problems, *problems), base)


def _content(records: RecordStore, digest: str) -> bytes | None:
    """A record's content; None if it cannot be read: who needs it says so."""
    try:
        return records.get(digest)
    except (KeyError, ValueError):
        return None


def _base(content: bytes) -> str | None:
    """The collection that a record amends; None if it is one."""
    try:
        return msgspec.json.decode(content, type=_Outline).base
    except ValueError:
        return None
