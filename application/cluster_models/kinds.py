"""The kinds of kept models: what differs between them, and how each comes from the cloud.

Everything else (records, events, freshness, staleness) is the same for all kinds. A new kind is a
``Kind``, and a function that makes a ``Source`` of what reads it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from application.ports.cloud import BaremetalCollector, ComputeCollector, StorageCollector
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import Quarantined
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import Counts
from domain.cluster_models.diff import baremetal_changes, compute_changes, storage_changes
from domain.kernel.reasons import Because


class Columned(Protocol):
    """A model as columns."""

    def to_columns(self) -> dict[str, object]:
        """The JSON form, canonical: equal models give equal forms."""
        ...


M = TypeVar("M", bound=Columned)


@dataclass(frozen=True)
class Kind(Generic[M]):
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
class Snapshot(Generic[M]):
    """A complete collection.

    Attributes:
        problems: what could not be used.
        calls: requests that it took.
    """

    model: M
    problems: tuple[Because, ...]
    calls: int


@dataclass(frozen=True)
class Source(Generic[M]):
    """Where the models of a kind come from.

    Attributes:
        collect: reads the cloud, whole or not at all; raises CloudUnreachable, CloudRefused.
    """

    kind: Kind[M]
    collect: Callable[[], Snapshot[M]]


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


COMPUTE = Kind(ModelKind.COMPUTE, ComputeModel.from_columns, _compute_sizes, compute_changes)
STORAGE = Kind(ModelKind.STORAGE, StorageModel.from_columns, _storage_sizes, storage_changes)
BAREMETAL = Kind(
    ModelKind.BAREMETAL, BaremetalModel.from_columns, _baremetal_sizes, baremetal_changes
)
KINDS: Mapping[ModelKind, Kind[Any]] = {kind.name: kind for kind in (COMPUTE, STORAGE, BAREMETAL)}


def compute_source(collector: ComputeCollector) -> Source[ComputeModel]:
    """Hosts and servers."""

    def collect() -> Snapshot[ComputeModel]:
        rows = collector.collect()
        model, quarantined = ComputeModel.build(
            rows.hosts, rows.servers, rows.groups, rows.aggregates
        )
        return Snapshot(model, (*rows.problems, *_reasons(quarantined)), rows.calls)

    return Source(COMPUTE, collect)


def storage_source(collector: StorageCollector) -> Source[StorageModel]:
    """Backends, pools and volumes."""

    def collect() -> Snapshot[StorageModel]:
        rows = collector.collect()
        model, quarantined = StorageModel.build(rows.nodes, rows.pools, rows.volumes, rows.types)
        return Snapshot(model, _reasons(quarantined), rows.calls)

    return Source(STORAGE, collect)


def baremetal_source(collector: BaremetalCollector) -> Source[BaremetalModel]:
    """Machines."""

    def collect() -> Snapshot[BaremetalModel]:
        rows = collector.collect()
        model, quarantined = BaremetalModel.build(rows.nodes)
        return Snapshot(model, _reasons(quarantined), rows.calls)

    return Source(BAREMETAL, collect)


def _reasons(quarantined: Iterable[Quarantined]) -> tuple[Because, ...]:
    return tuple(one.because for one in quarantined)
