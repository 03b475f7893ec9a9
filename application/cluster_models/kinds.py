"""The kinds of kept models: what differs between them, and how each comes from the cloud.

Everything else (records, events, freshness, staleness) is the same for all kinds. A new kind is a
``CollectedKind``, and a function that makes a ``ModelSource`` of what reads it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from application.ports.cloud import BaremetalCollector, ComputeCollector, StorageCollector
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import Counts
from domain.cluster_models.diff import baremetal_changes, compute_changes, storage_changes
from domain.kernel.reasons import Cause


class ColumnarModel(Protocol):
    """A model as columns."""

    def to_columns(self) -> dict[str, object]:
        """The JSON form, canonical: equal models give equal forms."""
        ...


M = TypeVar("M", bound=ColumnarModel)


@dataclass(frozen=True)
class CollectedKind(Generic[M]):
    """A kind of model.

    Attributes:
        name: stored in records and events.
        read: the model whose JSON form (``to_columns``) this is.
        sizes: how much there is of what.
        changes: how a model differs from the one before (None: there was none).
    """

    name: ModelKind
    read: Callable[[Mapping[str, object]], M]
    sizes: Callable[[M], Counts]
    changes: Callable[[M | None, M], Counts]


@dataclass(frozen=True)
class ModelSnapshot(Generic[M]):
    """A complete collection.

    Attributes:
        problems: what could not be used.
        calls: requests that it took.
    """

    model: M
    problems: tuple[Cause, ...]
    calls: int


@dataclass(frozen=True)
class ModelSource(Generic[M]):
    """Where the models of a kind come from.

    Attributes:
        collect: reads the cloud, whole or not at all; raises CloudUnreachable, CloudRefused.
    """

    kind: CollectedKind[M]
    collect: Callable[[], ModelSnapshot[M]]


def _compute_sizes(model: ComputeModel) -> Counts:
    return {"hosts": len(model.hosts), "servers": len(model.servers) + len(model.unplaced)}


def _storage_sizes(model: StorageModel) -> Counts:
    return {
        "backends": len(model.nodes),
        "pools": len(model.pools),
        "volumes": len(model.volumes) + len(model.unplaced),
    }


def _baremetal_sizes(model: BaremetalModel) -> Counts:
    return {"machines": len(model.nodes)}


COMPUTE = CollectedKind(
    ModelKind.COMPUTE, ComputeModel.from_columns, _compute_sizes, compute_changes
)
STORAGE = CollectedKind(
    ModelKind.STORAGE, StorageModel.from_columns, _storage_sizes, storage_changes
)
BAREMETAL = CollectedKind(
    ModelKind.BAREMETAL, BaremetalModel.from_columns, _baremetal_sizes, baremetal_changes
)
KINDS: Mapping[ModelKind, CollectedKind[Any]] = {
    kind.name: kind for kind in (COMPUTE, STORAGE, BAREMETAL)
}


def compute_source(collector: ComputeCollector) -> ModelSource[ComputeModel]:
    """Hosts and servers."""

    def collect() -> ModelSnapshot[ComputeModel]:
        rows = collector.collect()
        model, quarantined = ComputeModel.build(
            rows.hosts, rows.servers, rows.groups, rows.aggregates
        )
        return ModelSnapshot(model, (*rows.problems, *_reasons(quarantined)), rows.calls)

    return ModelSource(COMPUTE, collect)


def storage_source(collector: StorageCollector) -> ModelSource[StorageModel]:
    """Backends, pools and volumes."""

    def collect() -> ModelSnapshot[StorageModel]:
        rows = collector.collect()
        model, quarantined = StorageModel.build(rows.nodes, rows.pools, rows.volumes, rows.types)
        return ModelSnapshot(model, _reasons(quarantined), rows.calls)

    return ModelSource(STORAGE, collect)


def baremetal_source(collector: BaremetalCollector) -> ModelSource[BaremetalModel]:
    """Machines."""

    def collect() -> ModelSnapshot[BaremetalModel]:
        rows = collector.collect()
        model, quarantined = BaremetalModel.build(rows.nodes)
        return ModelSnapshot(model, _reasons(quarantined), rows.calls)

    return ModelSource(BAREMETAL, collect)


def _reasons(quarantined: Iterable[QuarantinedRecord]) -> tuple[Cause, ...]:
    return tuple(one.because for one in quarantined)
