"""Records that collectors return: one per host, server, group and aggregate."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.cluster.compute.allocations import Allocations
from domain.cluster.compute.numa.cells import Topology
from domain.cluster.compute.reasons import BAD_VALUE
from domain.cluster.table.records import Amount, Id, Ratio
from domain.kernel.reasons import Cause

_MAX_QUOTE = 200
"""Characters of an unusable value that its reason quotes."""


@dataclass(frozen=True, slots=True)
class HostRow:
    """A compute host.

    Attributes:
        id: hypervisor (resource provider) uuid.
        name: name of its nova-compute service, which migrations and service calls use.
        hypervisor_hostname: name of the hypervisor; empty if it is the same.
        state: ``up`` or ``down``: whether the service is running.
        status: ``enabled`` or ``disabled``: whether the scheduler places servers on it.
        disabled_reason: the text stored with ``disabled``.
        zone: availability zone.
        vcpus: cores offered as VCPU.
        memory_mb: memory, MB.
        disk_gb: local disk, GB; 0 when disk is not accounted to the host (shared storage).
        vcpus_reserved: cores reserved for the host.
        memory_reserved_mb: memory reserved for the host, MB.
        disk_reserved_gb: disk reserved for the host, GB.
        cpu_ratio: allocation ratio of VCPU.
        ram_ratio: allocation ratio of memory.
        disk_ratio: allocation ratio of disk.
        traits: placement traits.
        aggregates: ids or uuids of the aggregates it is in.
        pcpus: cores offered as PCPU (for dedicated, pinned use).
        devices: PCI alias → number of devices.
        other_allocations: allocations on the host beyond those of the servers on it, by consumer
            (see ``foreign_allocations``).
        numa: its NUMA cells; None if unknown (no OpenStack API lists them).
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


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A server (instance).

    Attributes:
        id: uuid.
        name: display name.
        host: name of the compute service it is on; None if it is on no host.
        vcpus: vCPUs of its flavor; None if unknown.
        memory_mb: memory of its flavor, MB; None if unknown.
        disk_gb: local disk it occupies (root unless on a volume, ephemeral, swap), GB.
        state: vm_state, lower case (``active``, ``stopped``, ``paused``, …).
        status: API status (``ACTIVE``, ``VERIFY_RESIZE``, …); empty if unknown.
        task_state: the operation in progress; None if there is none.
        project_id: its project.
        flavor: flavor name.
        locked: whether its owner or an operator locked it.
        pinned_zone: availability zone requested at its creation; None if there was none.
        zone: availability zone it is in, as Nova reports it.
        metadata: server metadata.
        extra_specs: extra specs of its flavor.
        groups: ids of the server groups it is in.
        numa_nodes: number of the host's NUMA cell that each of its own cells is in; None if
            unknown.
        created_at: creation time as Nova writes it.
        updated_at: when Nova last changed its record of the server, seconds since the epoch;
            notifications are compared with it. None if unknown.
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
        uuid: uuid, under which resource providers list it.
        name: name.
        zone: availability zone that it defines, if any.
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
    """A record that was excluded from the model because it cannot be used.

    Attributes:
        kind: ``host``, ``server``, ``volume``, …
        id: the record's id.
        because: the reason.
        place: of a server or volume, the host or pool that it uses, as far as that is known: its
            load is only partly known.
    """

    kind: str
    id: str
    because: Cause
    place: str | None = None


def unseen(records: Iterable[QuarantinedRecord], kind: str) -> Mapping[str, int]:
    """Host or pool → number of quarantined servers or volumes on it."""
    return Counter(one.place for one in records if one.kind == kind and one.place is not None)


def bad_value(field: str, resource: str, value: object) -> Cause:
    """The reason for quarantining a record whose field has an unusable value."""
    facts: dict[str, object] = {
        "field": _quoted(field),
        "resource": resource,
        "value": _quoted(value),
    }
    return Cause(BAD_VALUE, facts)


def _quoted(value: object) -> str:
    """A value as text that can be stored: not too long, without lone surrogates."""
    text = str(value)
    shown = text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"
    return shown.encode(errors="backslashreplace").decode()
