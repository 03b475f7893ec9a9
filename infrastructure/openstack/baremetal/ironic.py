"""Nodes that Ironic manages. They are collected as one list, with only the fields of the model.

The detailed list also has each node's driver data (the cached inventory of the hardware and masked
credentials), which is large and not needed.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

from openstack.connection import Connection

from application.ports.cloud import BaremetalRows
from domain.cluster.baremetal.records import BaremetalNodeRow
from infrastructure.openstack.baremetal.nodes import PowerNode, PowerState
from infrastructure.openstack.collectors.conversion import Conversion, field, part, text
from infrastructure.openstack.connection import ConnectionLimits, require_service
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import BAREMETAL, CloudService, Json, baremetal

_FIELDS: Mapping[str, str] = {
    "uuid": "1.1",
    "name": "1.5",
    "power_state": "1.1",
    "target_power_state": "1.1",
    "maintenance": "1.1",
    "maintenance_reason": "1.1",
    "provision_state": "1.1",
    "extra": "1.1",
    "properties": "1.1",
    "instance_uuid": "1.1",
    "resource_class": "1.21",
    "fault": "1.42",
}
"""Fields and the microversions that introduced them."""
_STATES: Mapping[str, PowerState] = {
    "power on": "on",
    "rebooting": "on",
    "soft rebooting": "on",
    "power off": "off",
    "soft power off": "off",
}
"""Ironic's power state → that of the port; every other one is unknown."""


class IronicNodes:
    """Reads and switches the nodes of Ironic. The constructor sends no request."""

    def __init__(self, connection: Connection, limits: ConnectionLimits | None = None) -> None:
        self._connection = connection
        self._limits = limits or ConnectionLimits()

    @cached_property
    def _ironic(self) -> CloudService:
        return baremetal(self._connection, self._limits)

    def collect(self) -> BaremetalRows:
        """Reads everything.

        Raises:
            CloudUnreachable: a part could not be read.
            CloudRefused: the credentials lack a right, or the cloud has no bare-metal service.
        """
        require_service(self._connection, BAREMETAL)
        ironic = baremetal(self._connection, self._limits)
        query = {"fields": ",".join(_supported_fields(ironic))}
        nodes = ironic.list_all("/nodes", "nodes", query, identity="uuid")
        conversion = Conversion()
        rows = conversion.rows("bare-metal node", nodes, node_row, identity=field("uuid"))
        return BaremetalRows(rows, aside=conversion.aside, calls=ironic.calls)

    def probe(self) -> None:
        """See ``Nodes``."""
        require_service(self._connection, BAREMETAL)
        self._ironic.get("/nodes", {"limit": 1})

    def find(self, identity: str) -> PowerNode | None:
        """See ``Nodes``; by uuid or name."""
        try:
            node = self._ironic.get(f"/nodes/{identity}")
        except ResourceNotFound:
            return None
        return PowerNode(
            id=node["uuid"],
            name=node.get("name") or node["uuid"],
            state=_STATES.get(str(node["power_state"])),
            target=node["target_power_state"],
            last_error=node["last_error"],
            error_at=node["updated_at"],
            instance_id=node.get("instance_uuid"),
            hypervisor=(node.get("extra") or {}).get("compute_node_id"),
        )

    def switch(self, node_id: str, state: PowerState) -> str | None:
        """See ``Nodes``."""
        path, target = f"/nodes/{node_id}/states/power", {"target": f"power {state}"}
        return self._ironic.send_once("PUT", path, target).request_id


def _supported_fields(ironic: CloudService) -> Iterator[str]:
    return (field for field, since in _FIELDS.items() if ironic.supports(since))


def node_row(node: Json) -> BaremetalNodeRow:
    """A node, from the requested fields."""
    return BaremetalNodeRow(
        id=text(node, "uuid"),
        name=node.get("name") or "",
        power_state=node.get("power_state") or "",
        target_power_state=node.get("target_power_state") or "",
        maintenance=node.get("maintenance"),
        maintenance_reason=node.get("maintenance_reason"),
        provision_state=node.get("provision_state") or "",
        fault=node.get("fault") or "",
        extra=part(node, "extra"),
        properties=part(node, "properties"),
        resource_class=node.get("resource_class") or "",
        instance_id=node.get("instance_uuid"),
    )
