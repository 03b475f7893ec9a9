"""Kept models, and what reads the cloud for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.cluster_models.kinds import (
    M,
    ModelSource,
    baremetal_source,
    compute_source,
    storage_source,
)
from application.cluster_models.query import ClusterModels
from application.ports.cloud import ComputeCollector
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.model import ComputeModel
from domain.cluster.kinds import ModelKind
from domain.cluster.storage.model import StorageModel
from domain.kernel.metadata import Metadata
from infrastructure.datasources.selection import Datasources
from infrastructure.openstack.collectors.baremetal import IronicCollector
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from interfaces.bootstrap.parts import connection, limits, metric_source
from interfaces.bootstrap.store import CLOCK, OpenDatabase, opened

UNNAMED = "default"
"""What a cloud is called that the settings do not name (clouds.yaml has one entry only)."""
STALE_AFTER = 3
"""Periods after which a model that nobody confirmed counts as stale."""


@dataclass(frozen=True)
class LiveCloud:
    """A cloud, and where its metrics come from (``of`` a strategy, or in the global order).

    Attributes:
        sources: what models of each kind are read from; kinds that are not kept are missing.
    """

    compute: ComputeCollector
    sources: Mapping[ModelKind, ModelSource[Any]]
    metrics: Datasources


@contextmanager
def live_cloud(settings: Settings) -> Iterator[LiveCloud]:
    """The cloud that the settings name; needs no database."""
    cloud = connection(settings)
    wanted = periods(settings)
    try:
        yield LiveCloud(
            NovaCollector(cloud, limits(settings)),
            {
                source.kind.name: source
                for source in _sources(cloud, limits(settings))
                if source.kind.name in wanted
            },
            metric_source(settings, cloud),
        )
    finally:
        cloud.close()


def _sources(
    cloud: Connection, patience: ConnectionLimits
) -> tuple[ModelSource[ComputeModel], ModelSource[StorageModel], ModelSource[BaremetalModel]]:
    return (
        compute_source(NovaCollector(cloud, patience)),
        storage_source(CinderCollector(cloud, patience)),
        baremetal_source(IronicCollector(cloud, patience)),
    )


def keepers(
    settings: Settings, store: OpenDatabase, cloud: Connection, metadata: Metadata
) -> ModelCollectors:
    """Keeps the models of the cloud that the settings name."""

    def keeper(source: ModelSource[M]) -> ModelCollector[M]:
        return ModelCollector(
            source,
            store.commands,
            store.records,
            SqlCollectedModels(store.engine),
            CLOCK,
            cloud=cloud_name(settings),
            metadata=metadata,
        )

    wanted = periods(settings)
    compute, storage, baremetal = _sources(cloud, limits(settings))
    return ModelCollectors(
        keeper(compute),
        keeper(storage) if ModelKind.STORAGE in wanted else None,
        keeper(baremetal) if ModelKind.BAREMETAL in wanted else None,
    )


def periods(settings: Settings) -> Mapping[ModelKind, float]:
    """Seconds between two collections of each kind that is kept."""
    chosen = settings.collector.plugins
    return {kind: period for kind, period in _periods(settings).items() if kind.value in chosen}


def _periods(settings: Settings) -> Mapping[ModelKind, float]:
    chosen = settings.collector
    return {
        ModelKind.COMPUTE: chosen.compute_period,
        ModelKind.STORAGE: chosen.storage_period,
        ModelKind.BAREMETAL: chosen.baremetal_period,
    }


def cluster_models(settings: Settings, store: OpenDatabase) -> ClusterModels:
    """Queries on kept models."""
    return ClusterModels(
        SqlCollectedModels(store.engine),
        store.records,
        store.read,
        cloud=cloud_name(settings),
        stale_after={kind: STALE_AFTER * each for kind, each in _periods(settings).items()},
        kept_here=periods(settings),
    )


@contextmanager
def kept_models(settings: Settings) -> Iterator[ClusterModels]:
    """Queries on the kept models of an installation; needs no running Vigil."""
    with opened(settings) as store:
        yield cluster_models(settings, store)


def cloud_name(settings: Settings) -> str:
    """What the models of the cloud are filed under."""
    return settings.cloud.name or UNNAMED
