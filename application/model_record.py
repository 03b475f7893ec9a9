"""The immutable record of a collected model, content-addressed: equal clouds have one digest."""

from collections.abc import Iterable

import msgspec

from domain.cluster.compute import ComputeModel
from domain.kernel.aggregate import Facts
from domain.kernel.reasons import Because

FORMAT = 1
"""Version of the record's own shape."""
COMPUTE = "compute"
"""The kind of models that hold hosts and servers."""


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A complete collection.

    Attributes:
        format: version of this shape.
        kind: ``compute``.
        model: columns (``to_columns``), the whole cloud.
        problems: what was quarantined or missing, in an order of their own.
    """

    format: int
    kind: str
    model: Facts
    problems: list[Because]

    def compute(self) -> ComputeModel:
        """The model, exactly as it was."""
        return ComputeModel.from_columns(self.model)


def encode_model(model: ComputeModel, problems: Iterable[Because]) -> bytes:
    """Canonical bytes of a collected model: however the cloud listed it, they are the same."""
    record = ModelRecord(
        format=FORMAT,
        kind=COMPUTE,
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
