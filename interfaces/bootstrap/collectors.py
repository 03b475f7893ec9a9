"""The collectors of cluster models, and a live cloud for commands that need no database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection

from application.cluster_models.collection import ModelCollector, ModelCollectors
from application.cluster_models.collection_job import renewal
from application.cluster_models.kinds import BAREMETAL, COMPUTE, STORAGE, CollectedKind, M
from application.ports.cloud import CloudCollector, ComputeCollector
from domain.cluster.kinds import ModelKind
from domain.kernel.metadata import Metadata
from infrastructure.datasources.selection import Datasources
from infrastructure.openstack.collectors.compute import NovaCollector
from infrastructure.openstack.collectors.storage import CinderCollector
from infrastructure.plugins import Registry
from infrastructure.read_models import SqlCollectedModels
from infrastructure.settings import Settings
from interfaces.bootstrap.cloud import connection, limits, nodes
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.datasources import datasources
from interfaces.bootstrap.queries import cloud_name, collection_periods


@dataclass(frozen=True)
class LiveCloud:
    """A cloud and the datasources of its metrics.

    Attributes:
        collectors: by kind of model; only kinds that are collected.
        every: by kind of model.
    """

    compute: ComputeCollector
    collectors: Mapping[ModelKind, CloudCollector[Any]]
    every: Mapping[ModelKind, CloudCollector[Any]]
    metrics: Datasources


@contextmanager
def live_cloud(settings: Settings, registry: Registry) -> Iterator[LiveCloud]:
    """Connects to the configured cloud; needs no database."""
    cloud = connection(settings)
    collectors = _collectors(settings, cloud)
    try:
        yield LiveCloud(
            NovaCollector(cloud, limits(settings)),
            {kind: collectors[kind] for kind in collection_periods(settings)},
            collectors,
            datasources(settings, cloud, registry),
        )
    finally:
        cloud.close()


def _collectors(settings: Settings, cloud: Connection) -> dict[ModelKind, CloudCollector[Any]]:
    timing = limits(settings)
    return {
        ModelKind.COMPUTE: NovaCollector(
            cloud, timing, interval=renewal(settings.collector.reconcile_interval)
        ),
        ModelKind.STORAGE: CinderCollector(cloud, timing),
        ModelKind.BAREMETAL: nodes(settings, cloud),
    }


def model_collectors(
    settings: Settings, database: OpenDatabase, cloud: Connection, metadata: Metadata
) -> ModelCollectors:
    """Collects and stores the models of the configured cloud."""
    sources = _collectors(settings, cloud)

    def collector(kind: CollectedKind[M]) -> ModelCollector[M]:
        return ModelCollector(
            kind,
            sources[kind.name],
            database.commands,
            database.records,
            SqlCollectedModels(database.engine),
            CLOCK,
            cloud=cloud_name(settings),
            metadata=metadata,
        )

    wanted = collection_periods(settings)
    return ModelCollectors(
        collector(COMPUTE),
        collector(STORAGE) if ModelKind.STORAGE in wanted else None,
        collector(BAREMETAL) if ModelKind.BAREMETAL in wanted else None,
    )
