"""What collectors of bare metal hand in: one plain record per node."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.table.records import Id
from domain.cluster.table.values import Flag


@dataclass(frozen=True)
class BaremetalNodeRow:
    """A machine that Ironic manages.

    Attributes:
        id: uuid.
        name: logical name, empty if it has none.
        power_state: ``power on``, ``power off``, ``error``; empty when it is not known.
        target_power_state: what it is being switched to; empty when it rests.
        maintenance: whether operators have taken it out of service.
        maintenance_reason: their words.
        provision_state: ``active``, ``available``, ``deploying``, …; empty when not known.
        fault: what put it into maintenance by itself (``power failure``, …); empty if nothing did.
        extra: free data of the operator; ``compute_node_id`` names the hypervisor that runs on it.
        properties: what the machine is made of.
        resource_class: the class that Placement knows it by.
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
