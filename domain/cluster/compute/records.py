"""What collectors hand in: one plain record per host, server, group and aggregate."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.compute.allocations import Allocations
from domain.cluster.compute.numa.cells import Topology
from domain.cluster.table.records import Amount, Id, Ratio
from domain.kernel.reasons import Cause, Reason

DISABLED_BY_CONSOLIDATION = "watcher_disabled"
"""Prefix of the ``disabled_reason`` of a host that consolidation disabled and may enable again."""


@dataclass(frozen=True)
class HostRow:
    """A compute host.

    Attributes:
        id: hypervisor (resource provider) uuid.
        name: name of its nova-compute service: what migrations and service calls are addressed by.
        hypervisor_hostname: the hypervisor's own name; empty if it is the same.
        state: ``up`` or ``down`` (is the service alive).
        status: ``enabled`` or ``disabled`` (does the operator want servers on it).
        disabled_reason: the text stored with ``disabled``.
        zone: availability zone.
        vcpus: cores offered as VCPU.
        memory_mb: memory, MB.
        disk_gb: local disk, GB; 0 when disk is not accounted to the host (shared storage).
        vcpus_reserved: cores kept for the host itself.
        memory_reserved_mb: memory kept for the host itself, MB.
        disk_reserved_gb: disk kept for the host itself, GB.
        cpu_ratio: allocation ratio of VCPU.
        ram_ratio: allocation ratio of memory.
        disk_ratio: allocation ratio of disk.
        traits: placement traits.
        aggregates: ids or uuids of the aggregates it is in.
        pcpus: cores offered as PCPU (for dedicated, pinned use).
        devices: PCI alias → number of devices.
        other_allocations: what is allocated there that the servers on it do not account for (see
            ``accounting``), by consumer.
        numa: its NUMA cells; None when they are not known (no API of the cloud lists them).
        generation: resource provider generation, if known.
    """

    id: Id
    name: str
    hypervisor_hostname: str = ""
    state: str = "up"
    status: str = "enabled"
    disabled_reason: str | None = None
    zone: str = "nova"
    vcpus: Amount = 0
    memory_mb: Amount = 0
    disk_gb: Amount = 0
    vcpus_reserved: Amount = 0
    memory_reserved_mb: Amount = 0
    disk_reserved_gb: Amount = 0
    cpu_ratio: Ratio = 1.0
    ram_ratio: Ratio = 1.0
    disk_ratio: Ratio = 1.0
    traits: tuple[str, ...] = ()
    aggregates: tuple[Id, ...] = ()
    pcpus: Amount = 0
    devices: Mapping[str, int] = field(default_factory=dict)
    other_allocations: Allocations = ()
    numa: Topology | None = None
    generation: int | None = None


@dataclass(frozen=True)
class ServerRow:
    """A server (instance).

    Attributes:
        id: uuid.
        name: display name.
        host: name of the compute service it is on; None when it is on none.
        vcpus: vCPUs of its flavor; None when the cloud did not say.
        memory_mb: memory of its flavor, MB; None when the cloud did not say.
        disk_gb: local disk it occupies (root unless on a volume, ephemeral, swap), GB.
        state: vm_state, lower case (``active``, ``stopped``, ``paused``, …).
        status: API status (``ACTIVE``, ``VERIFY_RESIZE``, …); empty if not known.
        task_state: what the cloud is doing with it right now, None when idle.
        project_id: owner.
        flavor: flavor name.
        locked: whether its owner or an operator locked it.
        pinned_zone: availability zone that it was asked to stay in, None when it is free.
        zone: availability zone that it is in, as the cloud reports it.
        metadata: server metadata.
        extra_specs: extra specs of its flavor.
        groups: ids of the server groups it is in.
        numa_nodes: numbers of the host's NUMA cells that it is in, one for each of its own; None
            when they are not known.
        created_at: creation time as the cloud writes it.
        updated_at: when the cloud last changed its record of it, seconds since the epoch: the
            version that notifications are compared with; None if not known.
    """

    id: Id
    name: str = ""
    host: Id | None = None
    vcpus: Amount | None = None
    memory_mb: Amount | None = None
    disk_gb: Amount | None = 0
    state: str = "active"
    status: str = ""
    task_state: str | None = None
    project_id: str = ""
    flavor: str = ""
    locked: bool = False
    pinned_zone: str | None = None
    zone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Id, ...] = ()
    numa_nodes: tuple[int, ...] | None = None
    created_at: str = ""
    updated_at: int | None = None


@dataclass(frozen=True)
class GroupRow:
    """A server group.

    Attributes:
        id: uuid.
        name: name.
        policy: ``affinity``, ``anti-affinity``, ``soft-affinity`` or ``soft-anti-affinity``.
        members: server ids.
        max_per_host: for anti-affinity, how many members one host may hold.
    """

    id: Id
    name: str = ""
    policy: str = ""
    members: tuple[Id, ...] = ()
    max_per_host: int = 1


@dataclass(frozen=True)
class AggregateRow:
    """A host aggregate.

    Attributes:
        id: number, as text.
        uuid: uuid, the name that resource providers know it by.
        name: name.
        zone: availability zone that it makes, if any.
        hosts: names of compute services.
        metadata: aggregate metadata.
    """

    id: Id
    uuid: str = ""
    name: str = ""
    zone: str | None = None
    hosts: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuarantinedRecord:
    """An input record that could not be used; the others were.

    Attributes:
        kind: ``host`` or ``server``.
        id: the record's id.
        because: what is wrong with it.
    """

    kind: str
    id: str
    because: Cause


def bad_value(field: str, resource: str, value: object) -> Cause:
    """The reason for quarantining a record whose field has an unusable value."""
    return Cause(Reason.BAD_VALUE, {"field": field, "resource": resource, "value": str(value)})
