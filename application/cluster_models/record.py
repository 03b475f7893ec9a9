"""A collected model and its content-addressed record: equal clouds have the same digest."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import msgspec

from application.cluster_models.kinds import CollectedKind, M
from application.ports.records import RecordStore
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of the record's format."""


@dataclass(frozen=True, kw_only=True)
class CollectedModel(Generic[M]):
    """A model of the whole cloud, or the part of it in a scope.

    Attributes:
        digest: of the record of the whole model, collected or amended.
        problems: what could not be used.
        age: seconds since the collection began, or since the time until which a listener has heard
            everything; None for a version of the past.
        position: of the event that recorded it; None if unknown.
    """

    model: M
    digest: str
    problems: tuple[Cause, ...]
    age: float | None = None
    position: int | None = None


@dataclass(frozen=True, kw_only=True)
class CurrentModel(CollectedModel[M]):
    """The latest model.

    Attributes:
        age: likewise, by the database's clock.
        collected_at: when the collection began (UTC, by this process's clock).
    """

    age: float = 0.0
    collected_at: datetime


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The stored form of a complete collection.

    Attributes:
        format: version of this format.
        kind: ``compute``, ``storage`` or ``baremetal``.
        model: columns (``to_columns``), the whole cloud.
        problems: what was quarantined or missing, sorted.
    """

    format: int
    kind: str
    model: JsonObject
    problems: list[Cause]

    def read(self, kind: CollectedKind[M]) -> M:
        """The model, exactly as it was collected.

        Raises:
            ValueError: the record is of another kind.
        """
        if self.kind != kind.name:
            raise ValueError(f"it holds a {self.kind} model, not a {kind.name} model")
        return kind.read(self.model)


def encode_model(kind: CollectedKind[M], model: M, problems: Iterable[Cause]) -> bytes:
    """Canonical bytes of a collected model; the order of the cloud's lists does not matter."""
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
        ValueError: they are not a model record, or of an unknown format.
    """
    record = msgspec.json.decode(content, type=ModelRecord)
    if record.format != FORMAT:
        raise ValueError(f"a model record of format {record.format}, this code reads {FORMAT}")
    return record


def read_model(kind: CollectedKind[M], digest: str, content: bytes) -> CollectedModel[M]:
    """The collected model in a record.

    Raises:
        ValueError: it is not a record of a model of the kind.
    """
    record = decode_model(content)
    return CollectedModel(model=record.read(kind), digest=digest, problems=tuple(record.problems))


def load_model(
    records: RecordStore, kind: CollectedKind[M], digest: str
) -> CollectedModel[M] | None:
    """Reads a collected model from its record; returns None, and logs why, if it cannot be read."""
    try:
        return read_model(kind, digest, records.get(digest))
    except (KeyError, ValueError) as error:
        log_unreadable(kind, digest, error)
        return None


def log_unreadable(kind: CollectedKind[Any], digest: str, error: Exception) -> None:
    """Logs why a record of a model cannot be read."""
    log.warning("the record %s of a %s model cannot be read: %s", digest, kind.name, error)
