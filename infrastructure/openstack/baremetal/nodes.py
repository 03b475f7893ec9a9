"""The port of a service that manages bare-metal nodes."""

from dataclasses import dataclass
from typing import Literal, Protocol

from application.ports.cloud import BaremetalRows, CloudCollector

PowerState = Literal["on", "off"]


@dataclass(frozen=True)
class PowerNode:
    """A node and its power.

    Attributes:
        id: uuid in Ironic, system id in MAAS.
        state: None: neither on nor off, or unknown.
        target: the power state that it is changing to; None if it does not, or if the service does
            not show it (MAAS).
        last_error: of the last change of its power that failed.
        error_at: the service's time of that error, in seconds.
        instance_id: the server that is deployed on it.
        hypervisor: id or host name of the hypervisor that runs on it.
    """

    id: str
    name: str
    state: PowerState | None
    target: str | None
    last_error: str | None
    error_at: str | None
    instance_id: str | None
    hypervisor: str | None


class Nodes(CloudCollector[BaremetalRows], Protocol):
    """Reads nodes and switches them.

    All methods raise CloudUnreachable and CloudRefused as the cloud's services do.
    """

    def probe(self) -> None:
        """Sends one small request that shows whether the nodes can be read."""
        ...

    def find(self, identity: str) -> PowerNode | None:
        """A node as it is now; None if it does not exist."""
        ...

    def switch(self, node_id: str, state: PowerState) -> str | None:
        """Requests a power state, once; returns the id of the request, if there is one."""
        ...
