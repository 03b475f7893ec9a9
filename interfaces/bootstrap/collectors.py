"""The collectors of cluster models, and a live cloud for commands that need no database."""

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
from interfaces.bootstrap.cloud import connection, limits
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.datasources import datasources
from interfaces.bootstrap.queries import cloud_name, collection_periods


@dataclass(frozen=True)
class LiveCloud:
    """A cloud and the datasources of its metrics.

    Attributes:
        sources: reads the models of each kind; only kinds that are collected.
    """

    compute: ComputeCollector
    sources: Mapping[ModelKind, ModelSource[Any]]
    metrics: Datasources


@contextmanager
def live_cloud(settings: Settings) -> Iterator[LiveCloud]:
    """Connects to the configured cloud; needs no database."""
    cloud = connection(settings)
    wanted = collection_periods(settings)
    try:
        yield LiveCloud(
            NovaCollector(cloud, limits(settings)),
            {
                source.kind.name: source
                for source in _sources(cloud, limits(settings))
                if source.kind.name in wanted
            },
            datasources(settings.metrics, cloud),
        )
    finally:
        cloud.close()


def _sources(
    cloud: Connection, timing: ConnectionLimits
) -> tuple[ModelSource[ComputeModel], ModelSource[StorageModel], ModelSource[BaremetalModel]]:
    return (
        compute_source(NovaCollector(cloud, timing)),
        storage_source(CinderCollector(cloud, timing)),
        baremetal_source(IronicCollector(cloud, timing)),
    )


def model_collectors(
    settings: Settings, database: OpenDatabase, cloud: Connection, metadata: Metadata
) -> ModelCollectors:
    """Collects and stores the models of the configured cloud."""

    def collector(source: ModelSource[M]) -> ModelCollector[M]:
        return ModelCollector(
            source,
            database.commands,
            database.records,
            SqlCollectedModels(database.engine),
            CLOCK,
            cloud=cloud_name(settings),
            metadata=metadata,
        )

    wanted = collection_periods(settings)
    compute, storage, baremetal = _sources(cloud, limits(settings))
    return ModelCollectors(
        collector(compute),
        collector(storage) if ModelKind.STORAGE in wanted else None,
        collector(baremetal) if ModelKind.BAREMETAL in wanted else None,
    )
