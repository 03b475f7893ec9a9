"""The kinds of cluster models."""

from enum import StrEnum


class ModelKind(StrEnum):
    """A kind of model. The value is stored in events and records."""

    COMPUTE = "compute"
    STORAGE = "storage"
    BAREMETAL = "baremetal"
