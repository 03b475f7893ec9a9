from functools import cached_property

from openstack.connection import Connection

from infrastructure.openstack.baremetal.ironic import IronicNodes
from infrastructure.openstack.baremetal.nodes import Nodes
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.service import (
    CloudService,
    baremetal,
    block_storage,
    compute,
    placement,
)


class Clouds:
    """The services of one cloud, each made when it is first used. Sends nothing by itself.

    Args:
        connection: to the cloud.
        limits: time-outs and sizes.
        nodes: manages the bare metal; None: the cloud's Ironic.
    """

    def __init__(
        self, connection: Connection, limits: ConnectionLimits, nodes: Nodes | None = None
    ) -> None:
        self._connection = connection
        self._limits = limits
        self.nodes: Nodes = nodes or IronicNodes(connection, limits)

    @cached_property
    def compute(self) -> CloudService:
        """Nova."""
        return compute(self._connection, self._limits)

    @cached_property
    def placement(self) -> CloudService:
        """Placement."""
        return placement(self._connection, self._limits)

    @cached_property
    def block_storage(self) -> CloudService:
        """Cinder."""
        return block_storage(self._connection, self._limits)

    @cached_property
    def baremetal(self) -> CloudService:
        """Ironic."""
        return baremetal(self._connection, self._limits)
