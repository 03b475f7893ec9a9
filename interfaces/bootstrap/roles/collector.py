import threading
from functools import partial

from application.cluster_models.collection_job import collect_all
from domain.kernel.metadata import Metadata, component
from infrastructure.settings import Settings
from interfaces.bootstrap.cloud import connection
from interfaces.bootstrap.collectors import model_collectors
from interfaces.bootstrap.database import CLOCK, OpenDatabase
from interfaces.bootstrap.queries import collection_periods
from interfaces.bootstrap.roles import Work, instance_name


def prepare(settings: Settings, database: OpenDatabase, stop: threading.Event) -> Work:
    """Collects the models of the cloud periodically."""
    metadata = Metadata(component("collector", instance_name(settings)))
    collectors = model_collectors(settings, database, connection(settings), metadata)
    interval = settings.collector.reconcile_interval
    return partial(collect_all, collectors, collection_periods(settings), interval, CLOCK, stop)
