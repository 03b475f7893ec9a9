"""Kept models, and what reads the cloud for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from openstack.connection import Connection

from application.ports.cloud import ComputeCollector
from application.processes.collection import ModelKeeper
from application.queries.cluster_models import ClusterModels
from domain.kernel.metadata import Metadata
from infrastructure.datasources.selection import Datasources
from infrastructure.openstack.collector import NovaCollector
from infrastructure.read_models import SqlKeptModels
from infrastructure.settings import Settings
from interfaces.bootstrap.parts import connection, limits, metric_source
from interfaces.bootstrap.store import CLOCK, Store, opened

UNNAMED = "default"
"""What a cloud is called that the settings do not name (clouds.yaml has one entry only)."""
STALE_AFTER = 3
"""Periods after which a model that nobody confirmed counts as stale."""


@dataclass(frozen=True)
class LiveCloud:
    """A cloud, and where its metrics come from (``of`` a strategy, or in the global order)."""

    compute: ComputeCollector
    metrics: Datasources


@contextmanager
def live_cloud(settings: Settings) -> Iterator[LiveCloud]:
    """The cloud that the settings name; needs no database."""
    cloud = connection(settings)
    try:
        yield LiveCloud(NovaCollector(cloud, limits(settings)), metric_source(settings, cloud))
    finally:
        cloud.close()


def model_keeper(
    settings: Settings, store: Store, cloud: Connection, metadata: Metadata
) -> ModelKeeper:
    """Keeps the model of the cloud that the settings name."""
    return ModelKeeper(
        NovaCollector(cloud, limits(settings)),
        store.commands,
        store.records,
        SqlKeptModels(store.engine),
        CLOCK,
        cloud=cloud_name(settings),
        metadata=metadata,
    )


def cluster_models(settings: Settings, store: Store) -> ClusterModels:
    """Queries on kept models."""
    return ClusterModels(
        SqlKeptModels(store.engine),
        store.records,
        store.read,
        cloud=cloud_name(settings),
        stale_after=STALE_AFTER * settings.collector.period,
    )


@contextmanager
def kept_models(settings: Settings) -> Iterator[ClusterModels]:
    """Queries on the kept models of an installation; needs no running Vigil."""
    with opened(settings) as store:
        yield cluster_models(settings, store)


def cloud_name(settings: Settings) -> str:
    """What the models of the cloud are filed under."""
    return settings.cloud.name or UNNAMED
