"""The immutable record of a collected model, content-addressed: equal clouds have one digest."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic

import msgspec

from application.cluster_models.kinds import CollectedKind, M
from application.ports.records import RecordStore
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of the record's own shape."""


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A complete collection.

    Attributes:
        format: version of this shape.
        kind: ``compute``, ``storage`` or ``baremetal``.
        model: columns (``to_columns``), the whole cloud.
        problems: what was quarantined or missing, in an order of their own.
    """

    format: int
    kind: str
    model: JsonObject
    problems: list[Cause]

    def read(self, kind: CollectedKind[M]) -> M:
        """The model, exactly as it was.

        Raises:
            ValueError: it is of another kind.
        """
        if self.kind != kind.name:
            raise ValueError(f"it holds a {self.kind} model, not a {kind.name} model")
        return kind.read(self.model)


def encode_model(kind: CollectedKind[M], model: M, problems: Iterable[Cause]) -> bytes:
    """Canonical bytes of a collected model: however the cloud listed it, they are the same."""
    record = ModelRecord(
        format=FORMAT,
        kind=kind.name.value,
        model=model.to_columns(),
        problems=sorted(problems, key=lambda one: (one.reason, str(one))),
    )
    return msgspec.json.encode(record, order="sorted")


def decode_model(content: bytes) -> ModelRecord:
    """A model record from its bytes.

    Raises:
        ValueError: they are no model record of a format that this code reads.
    """
    record = msgspec.json.decode(content, type=ModelRecord)
    if record.format != FORMAT:
        raise ValueError(f"a model record of format {record.format}, this code reads {FORMAT}")
    return record


@dataclass(frozen=True)
class LoadedModel(Generic[M]):
    """A model as its record holds it.

    Attributes:
        digest: of the record.
        problems: what could not be used.
        base: digest of the record of the collection that it is based on; empty: it is one.
    """

    digest: str
    model: M
    problems: tuple[Cause, ...]
    base: str = ""


def load_model(
    records: RecordStore, kind: CollectedKind[M], digest: str, content: bytes | None = None
) -> LoadedModel[M] | None:
    """A model from its record; None (and a word in the log) if that is not to be had.

    Args:
        records: where it lies.
        kind: of the model.
        digest: of the record.
        content: the record's, if it was read already.
    """
    try:
        record = decode_model(records.get(digest) if content is None else content)
        return LoadedModel(digest, record.read(kind), tuple(record.problems))
    except (KeyError, ValueError) as lost:
        log.warning("the record %s of a %s model cannot be read: %s", digest, kind.name, lost)
        return None
