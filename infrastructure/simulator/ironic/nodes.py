"""The simulated bare metal: one machine below each compute host. It can only be read.

Everything is derived from the present state of the hosts: a disabled host's machine is in
maintenance, and the machine of a host whose nova-compute is dead is off.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from infrastructure.simulator.core.model import Host
from infrastructure.simulator.core.world import World

_NAMESPACE = uuid.UUID("0e2f7a52-9f1b-5d5c-9b1e-2f6f8d8c4a19")
DRIVER, CONDUCTOR, RESOURCE_CLASS = "redfish", "controller", "compute-host"


@dataclass(frozen=True)
class Node:
    """A machine, as seen at one moment."""

    id: str
    host: Host
    created: float

    @property
    def power_state(self) -> str:
        """Ironic's power state."""
        return "power on" if self.host.alive else "power off"

    @property
    def maintenance(self) -> bool:
        """Whether it is out of service."""
        return self.host.status == "disabled"

    @property
    def maintenance_reason(self) -> str | None:
        """Why, in the operator's words."""
        return self.host.disabled_reason if self.maintenance else None

    @property
    def properties(self) -> dict[str, object]:
        """What it is made of."""
        return {
            "cpu_arch": "x86_64",
            "cpus": self.host.vcpus,
            "memory_mb": self.host.ram_mb,
            "local_gb": self.host.disk_gb,
            "capabilities": "boot_mode:uefi",
        }

    @property
    def extra(self) -> dict[str, object]:
        """Free data: the hypervisor that runs on it."""
        return {"compute_node_id": self.host.id}


class Baremetal:
    """The machines of a simulated cloud."""

    def __init__(self, world: World) -> None:
        self._world = world

    def all(self) -> Iterator[Node]:
        """Every machine, in the order of its host's number."""
        for host in sorted(self._world.hosts.values(), key=lambda h: (h.number, h.id)):
            yield self._node(host)

    def find(self, identity: str) -> Node | None:
        """A machine by uuid or name."""
        return next((n for n in self.all() if identity in (n.id, n.host.name)), None)

    def _node(self, host: Host) -> Node:
        key = f"{self._world.seed}/{host.id}"
        return Node(str(uuid.uuid5(_NAMESPACE, key)), host, self._born)

    @cached_property
    def _born(self) -> float:
        first = min((s.created for s in self._world.servers.values()), default=None)
        return (self._world.clock.anchor.wall if first is None else first) - 7200.0
