"""Checks with one request whether the source of a kind of model responds."""

from openstack.connection import Connection

from domain.cluster.kinds import ModelKind
from infrastructure.openstack.collectors import baremetal as baremetal_collector
from infrastructure.openstack.collectors import storage as storage_collector
from infrastructure.openstack.connection import ConnectionLimits, require_service
from infrastructure.openstack.service import compute


def probe(connection: Connection, limits: ConnectionLimits, kind: ModelKind) -> None:
    """Sends one small request to the service that a collection of this kind would read.

    Raises:
        CloudUnreachable: the service does not respond.
        CloudRefused: the cloud has no such service, or the credentials lack a right.
    """
    match kind:
        case ModelKind.COMPUTE:
            compute(connection, limits).get("/os-services", {"binary": "nova-compute"})
        case ModelKind.STORAGE:
            require_service(connection, storage_collector.KIND)
            cinder = storage_collector.block_storage(connection, limits)
            cinder.get("/os-services", {"binary": "cinder-volume"})
        case ModelKind.BAREMETAL:
            require_service(connection, baremetal_collector.KIND)
            baremetal_collector.baremetal(connection, limits).get("/nodes", {"limit": 1})
