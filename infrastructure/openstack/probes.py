"""Checks with one request whether the source of a kind of model responds."""

from openstack.connection import Connection

from domain.cluster.kinds import ModelKind
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.connection import ConnectionLimits, require_service
from infrastructure.openstack.service import (
    BLOCK_STORAGE,
    block_storage,
    compute,
)


def probe(connection: Connection, limits: ConnectionLimits, nodes: Nodes, kind: ModelKind) -> None:
    """Sends one small request to the service that a collection of this kind would read.

    Raises:
        CloudUnreachable: the service does not respond.
        CloudRefused: the cloud has no such service, or the credentials lack a right.
    """
    match kind:
        case ModelKind.COMPUTE:
            compute(connection, limits).get("/os-services", {"binary": "nova-compute"})
        case ModelKind.STORAGE:
            require_service(connection, BLOCK_STORAGE)
            query = {"binary": "cinder-volume"}
            block_storage(connection, limits).get("/os-services", query)
        case ModelKind.BAREMETAL:
            nodes.probe()
