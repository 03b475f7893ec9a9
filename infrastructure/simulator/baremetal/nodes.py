"""The simulated bare metal: one machine below each compute host.

Nearly everything is derived from the present state of the hosts: the machine of a host that an
operator disabled is in maintenance, and that of a host whose nova-compute is dead is off. A host
that Vigil disabled because it is empty may be switched on again.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from infrastructure.simulator.core.errors import ApiConflict
from infrastructure.simulator.core.faults import Faults
from infrastructure.simulator.core.model import Host, NodeChange, Operation
from infrastructure.simulator.core.world import World

_NAMESPACE = uuid.UUID("0e2f7a52-9f1b-5d5c-9b1e-2f6f8d8c4a19")
DRIVER, CONDUCTOR, RESOURCE_CLASS = "redfish", "controller", "compute-host"


POWER, ON, OFF = "power", "power on", "power off"
_SECONDS = {ON: 30.0, OFF: 5.0}  # simulated


@dataclass(frozen=True)
class Node:
    """A machine, as seen at one moment.

    Attributes:
        target: the power state that it is brought into; None if it is not.
        last_error: of the last change of its power state.
    """

    id: str
    host: Host
    created: float
    updated: float
    target: str | None = None
    last_error: str | None = None

    @property
    def system_id(self) -> str:
        """Its id in MAAS."""
        return f"n{self.host.number:05x}"

    @property
    def power_state(self) -> str:
        """Ironic's name of its power state."""
        return ON if self.host.alive else OFF

    @property
    def maintenance(self) -> bool:
        """Whether it is out of service."""
        reason = self.host.disabled_reason or ""
        return self.host.status == "disabled" and not reason.startswith(DISABLED_BY_CONSOLIDATION)

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

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._changes = {change.id: change for change in world.changes(NodeChange)}
        world.on_advance(self._advance)

    def all(self) -> Iterator[Node]:
        """Every machine, in the order of its host's number."""
        for host in sorted(self._world.hosts.values(), key=lambda h: (h.number, h.id)):
            yield self._node(host)

    def find(self, identity: str) -> Node | None:
        """A machine by uuid, name or system id."""
        return next((n for n in self.all() if identity in (n.id, n.host.name, n.system_id)), None)

    def switch(self, node: Node, target: str, now: float) -> None:
        """Accept another power state.

        Raises:
            ApiConflict: it is being changed.
        """
        if node.target is not None:
            raise ApiConflict(f"Node {node.id} is locked by host {CONDUCTOR}, please retry")
        outcome = self._faults.outcome_of(node.id, node.system_id)
        due = None if outcome == "hang" else self._world.clock.wall_after(now, _SECONDS[target])
        self._world.add_operation(node.id, POWER, target, due, outcome)
        self._change(node.id, now, None)

    def _node(self, host: Host) -> Node:
        node_id = str(uuid.uuid5(_NAMESPACE, f"{self._world.seed}/{host.id}"))
        operation, change = self._world.operation_on(node_id), self._changes.get(node_id)
        return Node(
            node_id,
            host,
            self._born,
            max(self._born, host.changed_at, change.updated if change else 0.0),
            operation.wanted if operation else None,
            change.last_error if change else None,
        )

    def _change(self, node_id: str, at: float, error: str | None) -> None:
        change = NodeChange(id=node_id, updated=at, last_error=error)
        self._changes[node_id] = change
        self._world.touch(change)

    def _advance(self, now: float) -> None:
        for operation in list(self._world.operations.values()):
            if operation.name == POWER and operation.due is not None and operation.due <= now:
                self._world.forget(operation)
                self._end(operation, operation.due)

    def _end(self, operation: Operation, at: float) -> None:
        node = self.find(operation.resource)
        if node is None:
            return
        if operation.outcome == "fail":
            error = f"Failed to change power state to '{operation.wanted}': no answer from the BMC"
            self._change(node.id, at, error)
            return
        node.host.alive, node.host.changed_at = operation.wanted == ON, at
        self._world.touch(node.host)
        self._change(node.id, at, None)

    @cached_property
    def _born(self) -> float:
        first = min((s.created for s in self._world.servers.values()), default=None)
        return (self._world.clock.anchor.wall if first is None else first) - 7200.0
