"""Converts the JSON of Nova and Placement to rows. The model validates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.cluster.compute.allocations import Allocations
from domain.cluster.compute.records import AggregateRow, GroupRow, HostRow, ServerRow
from domain.cluster.table.records import Id
from infrastructure.openstack.collectors.conversion import OddRecord, listed, part, text, whole
from infrastructure.openstack.service import Json

_MB_PER_GB = 1024
_NEW = "building"
UNREADABLE = "UNKNOWN"
"""Status of a server or service whose cell does not respond, or whose state fits no status."""


@dataclass(frozen=True)
class Hypervisor:
    """A host in Nova's list.

    Attributes:
        id: uuid, also of its resource provider.
        host: name of its compute service, which API calls use.
        service: id of that service.
        record: the item of ``/os-hypervisors/detail``.
    """

    id: Id
    host: Id
    service: object
    record: Mapping[str, object]


@dataclass(frozen=True)
class Provider:
    """The resource provider of a host in Placement.

    Attributes:
        generation: in the list of providers that was read before its parts.
        service: id of the host's compute service.
        parts: ``inventories`` by resource class, and ``traits``.
        allocated: its allocations of the resource classes of hosts, or what is odd in them.
    """

    generation: int
    service: object
    parts: Json
    allocated: Allocations | OddRecord

    def allocations(self) -> Allocations:
        """Its allocations.

        Raises:
            OddRecord: they are not in the form that Placement documents.
        """
        if isinstance(self.allocated, OddRecord):
            raise self.allocated
        return self.allocated


def hypervisor_of(record: Json) -> Hypervisor:
    """A host, from an item of ``/os-hypervisors/detail``."""
    service = part(record, "service")
    return Hypervisor(text(record, "id"), text(service, "host"), service.get("id"), record)


def host_row(
    hypervisor: Hypervisor,
    service: Json | None,
    provider: Provider,
    aggregates: Sequence[str],
    others: Allocations = (),
) -> HostRow:
    """A host.

    Args:
        hypervisor: the host in Nova's list.
        service: its nova-compute service, None if there is none.
        provider: its resource provider.
        aggregates: uuids of its aggregates.
        others: allocations of consumers other than the host's servers.
    """
    listed_host: Json = dict(hypervisor.record)
    known: Json = service or {}
    inventories = part(provider.parts, "inventories")
    vcpu, pcpu, memory, disk = (
        part(inventories, kind) for kind in ("VCPU", "PCPU", "MEMORY_MB", "DISK_GB")
    )
    return HostRow(
        id=hypervisor.id,
        name=hypervisor.host,
        hypervisor_hostname=text(listed_host, "hypervisor_hostname"),
        state=known.get("state") or text(listed_host, "state"),
        status=known.get("status") or text(listed_host, "status"),
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
        traits=tuple(listed(provider.parts, "traits")),
        aggregates=tuple(aggregates),
        pcpus=max(whole(pcpu, "total") - whole(pcpu, "reserved"), 0),
        other_allocations=others,
        generation=provider.generation,
    )


def server_row(server: Json, groups: Mapping[str, Sequence[str]]) -> ServerRow:
    """A server, from an item of ``/servers/detail`` and the ids of the groups of each server."""
    identity, status = text(server, "id"), text(server, "status")
    if status == UNREADABLE:
        raise OddRecord("status", status)  # its state fits no status: nothing is known to be safe
    flavor = part(server, "flavor")
    pinned = server.get("pinned_availability_zone")
    return ServerRow(
        id=identity,
        name=server.get("name") or "",
        host=server.get("OS-EXT-SRV-ATTR:host") or None,
        vcpus=flavor.get("vcpus"),
        memory_mb=flavor.get("ram"),
        disk_gb=local_disk(server),
        state=server.get("OS-EXT-STS:vm_state") or "",
        status=status,
        task_state=server.get("OS-EXT-STS:task_state"),
        project_id=server.get("tenant_id") or "",
        flavor=flavor.get("original_name") or "",
        locked=bool(server.get("locked")),
        pinned_zone=pinned or None,
        zone=server.get("OS-EXT-AZ:availability_zone") or None,
        metadata=part(server, "metadata"),
        extra_specs=part(flavor, "extra_specs"),
        groups=tuple(groups.get(identity, ())),
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
    flavor = part(server, "flavor")
    if "disk" not in flavor:
        return None
    root = whole(flavor, "disk") if server.get("image") else 0
    swap = -(-whole(flavor, "swap") // _MB_PER_GB)
    return root + whole(flavor, "ephemeral") + swap


def group_row(group: Json) -> GroupRow:
    """A server group."""
    policy = group.get("policy") or next(iter(listed(group, "policies")), "")
    return GroupRow(
        id=text(group, "id"),
        name=group.get("name") or "",
        policy=policy,
        members=tuple(listed(group, "members")),
        max_per_host=part(group, "rules").get("max_server_per_host", 1),
    )


def aggregate_row(aggregate: Json) -> AggregateRow:
    """A host aggregate."""
    number = aggregate.get("id")
    if not isinstance(number, int):
        raise OddRecord("id", number)
    return AggregateRow(
        id=str(number),
        uuid=text(aggregate, "uuid"),
        name=aggregate.get("name") or "",
        zone=aggregate.get("availability_zone") or None,
        hosts=tuple(listed(aggregate, "hosts")),
        metadata=part(aggregate, "metadata"),
    )
