"""The kinds of collected models, and what differs between them.

Records, events, freshness and staleness are the same for all kinds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from application.ports.cloud import (
    BaremetalRows,
    CloudCollector,
    CollectedRows,
    ComputeRows,
    HostStates,
    StorageRows,
)
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import QuarantinedRecord
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.cluster_models import Counts
from domain.cluster_models.diff import baremetal_changes, compute_changes, storage_changes
from domain.cluster_models.untold import untold_servers, untold_volumes
from domain.kernel.reasons import Cause


class ColumnarModel(Protocol):
    """A model that is made of columns."""

    def to_columns(self) -> dict[str, object]:
        """The canonical JSON form: equal models have equal forms."""
        ...


M = TypeVar("M", bound=ColumnarModel)


@dataclass(frozen=True)
class CollectedKind(Generic[M]):
    """A kind of model.

    Attributes:
        name: stored in records and events.
        build: makes a model of collected rows; also returns the rows that it could not use.
        read: makes a model of its JSON form (``to_columns``).
        sizes: number of rows by name (``hosts`` → 3).
        changes: counts of differences to the previous model (None for the first one).
        untold: the ids of the first servers (volumes) that differ from the previous model, although
            notifications report such changes, and no change since a time (seconds since the epoch)
            explains it; empty if there are none, or if notifications do not amend the kind.
        has_unreported_change: asks the source whether the cloud differs from the model in what no
            notification reports and one request shows.
    """

    name: ModelKind
    build: Callable[[Any], tuple[M, Sequence[QuarantinedRecord]]]
    read: Callable[[Mapping[str, object]], M]
    sizes: Callable[[M], Counts]
    changes: Callable[[M | None, M], Counts]
    untold: Callable[[M, M, float], Sequence[str]] = lambda *_: ()
    has_unreported_change: Callable[[Any, M], bool] = lambda *_: False

    def collect(
        self, source: CloudCollector[CollectedRows]
    ) -> tuple[M, tuple[Cause, ...], CollectedRows]:
        """Reads the cloud; returns the model, its problems and the rows.

        Raises:
            CloudUnreachable, CloudRefused: the cloud could not be read completely.
        """
        rows = source.collect()
        model, quarantined = self.build(rows)
        return model, (*rows.problems, *(one.because for one in quarantined)), rows


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


def _build_compute(rows: ComputeRows) -> tuple[ComputeModel, Sequence[QuarantinedRecord]]:
    return ComputeModel.build(rows.hosts, rows.servers, rows.groups, rows.aggregates, rows.aside)


def _build_storage(rows: StorageRows) -> tuple[StorageModel, Sequence[QuarantinedRecord]]:
    return StorageModel.build(rows.nodes, rows.pools, rows.volumes, rows.types, rows.aside)


def _build_baremetal(rows: BaremetalRows) -> tuple[BaremetalModel, Sequence[QuarantinedRecord]]:
    return BaremetalModel.build(rows.nodes, rows.aside)


def _has_host_that_came_or_went(source: HostStates, model: ComputeModel) -> bool:
    """Whether another host is up or down now: a host that dies sends no notification."""
    names, states = model.hosts.name, model.hosts.state
    now = source.host_states()
    return any(now.get(name, states[row]) != states[row] for row, name in enumerate(names))


COMPUTE = CollectedKind(
    ModelKind.COMPUTE,
    _build_compute,
    ComputeModel.from_columns,
    _compute_sizes,
    compute_changes,
    untold_servers,
    _has_host_that_came_or_went,
)
STORAGE = CollectedKind(
    ModelKind.STORAGE,
    _build_storage,
    StorageModel.from_columns,
    _storage_sizes,
    storage_changes,
    untold_volumes,
)
BAREMETAL = CollectedKind(
    ModelKind.BAREMETAL,
    _build_baremetal,
    BaremetalModel.from_columns,
    _baremetal_sizes,
    baremetal_changes,
)
KINDS: Mapping[ModelKind, CollectedKind[Any]] = {
    kind.name: kind for kind in (COMPUTE, STORAGE, BAREMETAL)
}
