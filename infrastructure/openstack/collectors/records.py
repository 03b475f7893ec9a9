"""Converts the JSON of Nova and Placement to rows. The model validates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from infrastructure.openstack.service import Json

_MB_PER_GB = 1024
_NEW = "building"
_CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "PCPU")


@dataclass(frozen=True)
class Provider:
    """The resource provider of a host in Placement.

    Attributes:
        generation: at the time of the list of providers.
        inventories: by resource class.
        traits: of the provider.
        allocations: by consumer, all of them.
    """

    generation: int | None = None
    inventories: Mapping[str, Json] = field(default_factory=dict)
    traits: Sequence[str] = ()
    allocations: Mapping[str, Json] = field(default_factory=dict)

    def booked(self) -> list[Allocation]:
        """Its allocations of the resource classes of hosts."""
        return [
            Allocation(consumer, *(int(held["resources"].get(kind, 0)) for kind in _CLASSES))
            for consumer, held in self.allocations.items()
        ]


def host_row(
    hypervisor: Json,
    service: Json | None,
    provider: Provider,
    aggregates: Sequence[str],
    others: Allocations = (),
) -> HostRow:
    """A host.

    Args:
        hypervisor: an item of ``/os-hypervisors/detail``.
        service: its nova-compute service, None if there is none.
        provider: its resource provider.
        aggregates: uuids of its aggregates.
        others: allocations of consumers other than the host's servers.
    """
    name = service_host(hypervisor)
    known: Json = service or {}
    vcpu, pcpu, memory, disk = (
        provider.inventories.get(kind, {}) for kind in ("VCPU", "PCPU", "MEMORY_MB", "DISK_GB")
    )
    return HostRow(
        id=str(hypervisor["id"]),
        name=name,
        hypervisor_hostname=hypervisor["hypervisor_hostname"],
        state=known.get("state") or hypervisor["state"],
        status=known.get("status") or hypervisor["status"],
        disabled_reason=known.get("disabled_reason"),
        zone=known.get("zone") or "",
        vcpus=vcpu.get("total", 0),
        memory_mb=memory.get("total", 0),
        disk_gb=disk.get("total", 0),
        vcpus_reserved=vcpu.get("reserved", 0),
        memory_reserved_mb=memory.get("reserved", 0),
        disk_reserved_gb=disk.get("reserved", 0),
        cpu_ratio=vcpu.get("allocation_ratio", 1.0),
        ram_ratio=memory.get("allocation_ratio", 1.0),
        disk_ratio=disk.get("allocation_ratio", 1.0),
        traits=tuple(provider.traits),
        aggregates=tuple(aggregates),
        pcpus=max(pcpu.get("total", 0) - pcpu.get("reserved", 0), 0),
        other_allocations=others,
        generation=provider.generation,
    )


def service_host(hypervisor: Json) -> str:
    """Name of the hypervisor's compute service, which API calls use."""
    return str(hypervisor["service"]["host"])


def server_row(server: Json, groups: Sequence[str]) -> ServerRow:
    """A server, from an item of ``/servers/detail`` and the ids of its groups."""
    flavor: Json = server.get("flavor") or {}
    pinned = server.get("pinned_availability_zone")
    return ServerRow(
        id=server["id"],
        name=server.get("name") or "",
        host=server.get("OS-EXT-SRV-ATTR:host") or None,
        vcpus=flavor.get("vcpus"),
        memory_mb=flavor.get("ram"),
        disk_gb=local_disk(server),
        state=server.get("OS-EXT-STS:vm_state") or "",
        status=server["status"],
        task_state=server.get("OS-EXT-STS:task_state"),
        project_id=server.get("tenant_id") or "",
        flavor=flavor.get("original_name") or "",
        locked=bool(server.get("locked")),
        pinned_zone=pinned or None,
        zone=server.get("OS-EXT-AZ:availability_zone") or None,
        metadata=server.get("metadata") or {},
        extra_specs=flavor.get("extra_specs") or {},
        groups=tuple(groups),
        created_at=server.get("created") or "",
        updated_at=_version(server),
    )


def _version(server: Json) -> int | None:
    """``updated_at`` of its record. For a new server, Nova returns the time of the response."""
    updated = server.get("updated")
    if not updated or server.get("OS-EXT-STS:vm_state") == _NEW:
        return None
    try:
        return int(datetime.fromisoformat(updated).timestamp())
    except (TypeError, ValueError):
        return None  # only used for the comparison with notifications


def local_disk(server: Json) -> int | None:
    """Local disk of a server, GB: root unless on a volume, ephemeral, swap rounded up."""
    flavor: Json = server.get("flavor") or {}
    if "disk" not in flavor:
        return None
    root = flavor["disk"] if server.get("image") else 0
    swap = -(-int(flavor.get("swap") or 0) // _MB_PER_GB)
    return int(root) + int(flavor.get("ephemeral") or 0) + swap


def group_row(group: Json) -> GroupRow:
    """A server group."""
    policy = group.get("policy") or next(iter(group.get("policies") or ()), "")
    return GroupRow(
        id=group["id"],
        name=group.get("name") or "",
        policy=policy,
        members=tuple(group.get("members") or ()),
        max_per_host=int((group.get("rules") or {}).get("max_server_per_host", 1)),
    )


def aggregate_row(aggregate: Json) -> AggregateRow:
    """A host aggregate."""
    return AggregateRow(
        id=str(aggregate["id"]),
        uuid=aggregate.get("uuid") or "",
        name=aggregate.get("name") or "",
        zone=aggregate.get("availability_zone") or None,
        hosts=tuple(aggregate.get("hosts") or ()),
        metadata=aggregate.get("metadata") or {},
    )
