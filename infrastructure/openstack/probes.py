"""Whether the service that a kind of model is read from answers, for the price of one request."""

from openstack.connection import Connection

from domain.cluster.kinds import ModelKind
from infrastructure.openstack.collectors import baremetal as baremetal_collector
from infrastructure.openstack.collectors import storage as storage_collector
from infrastructure.openstack.collectors.pages import require
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.service import compute


def probe(connection: Connection, limits: ConnectionLimits, kind: ModelKind) -> None:
    """Asks for a little of what a collection would ask for.

    Raises:
        CloudUnreachable: it does not answer.
        CloudRefused: the cloud has no such service, or the credentials lack a right.
    """
    _PROBES[kind](connection, limits)


def _compute(connection: Connection, limits: ConnectionLimits) -> None:
    compute(connection, limits).get("/os-services", {"binary": "nova-compute"})


def _storage(connection: Connection, limits: ConnectionLimits) -> None:
    require(connection, storage_collector.KIND)
    cinder = storage_collector.block_storage(connection, limits)
    cinder.get("/os-services", {"binary": "cinder-volume"})


def _baremetal(connection: Connection, limits: ConnectionLimits) -> None:
    require(connection, baremetal_collector.KIND)
    baremetal_collector.baremetal(connection, limits).get("/nodes", {"limit": 1})


_PROBES = {
    ModelKind.COMPUTE: _compute,
    ModelKind.STORAGE: _storage,
    ModelKind.BAREMETAL: _baremetal,
}
