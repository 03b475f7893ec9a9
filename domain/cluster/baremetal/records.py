"""Records that the bare-metal collector returns: one per node."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.table.records import Id
from domain.cluster.table.values import Flag


@dataclass(frozen=True)
class BaremetalNodeRow:
    """A node that Ironic or MAAS manages.

    Attributes:
        id: uuid in Ironic, system id in MAAS.
        name: logical name, empty if it has none.
        power_state: ``power on``, ``power off``, ``error``; empty if unknown.
        target_power_state: the power state it is changing to; empty if it is not changing.
        maintenance: whether it is in maintenance mode.
        maintenance_reason: the operator's reason.
        provision_state: ``active``, ``available``, ``deploying``, …; empty if unknown.
        fault: the fault that is the cause of the maintenance (``power failure``, …); empty if none.
        extra: the operator's own data; ``compute_node_id`` is the id or host name of the hypervisor
            that runs on it.
        properties: its hardware properties.
        resource_class: its resource class in Placement.
        instance_id: the server that is deployed on it.
    """

    id: Id
    name: str = ""
    power_state: str = ""
    target_power_state: str = ""
    maintenance: Flag = None
    maintenance_reason: str | None = None
    provision_state: str = ""
    fault: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)
    resource_class: str = ""
    instance_id: str | None = None
