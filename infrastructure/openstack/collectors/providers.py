"""Reads the resource providers of hosts in Placement: again only where they may have changed.

Placement raises the generation of a provider with every change of its inventories and traits, and
with every allocation that it stores. The list of all providers shows the generations. Only a
*deleted* allocation leaves the generation as it is. So, while the generation is the same,

* inventories and traits are the same;
* the allocations are those that were read, or fewer. If all of them belong to servers that are on
  the host now, it has no foreign ones, whichever were deleted; otherwise they are read again.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.cluster.compute.allocations import Allocation, Allocations
from domain.cluster.compute.foreign_allocations import accounts_for_all
from domain.cluster.compute.records import ServerRow
from domain.cluster.table.odd_fields import is_identity
from infrastructure.openstack.collectors.conversion import OddRecord, part, whole
from infrastructure.openstack.collectors.records import Hypervisor, Provider
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, Json

_CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB", "PCPU")


class ProviderMemory:
    """The providers of the latest collection.

    Args:
        interval: seconds after which everything is read again.
        clock: returns seconds, from any beginning.
    """

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = interval
        self._clock = clock
        self._known: Mapping[str, Provider] = {}
        self._read_at: float | None = None

    def reading(self) -> "ProviderReading":
        """The next reading: of everything, if the last such reading began too long ago."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= self._interval:
            return ProviderReading({}, now, 0.0)
        return ProviderReading(self._known, self._read_at, now - self._read_at)

    def keep(self, reading: "ProviderReading", found: Mapping[str, Provider | None]) -> None:
        """Keeps what a complete collection found."""
        self._known = {host: one for host, one in found.items() if one is not None}
        self._read_at = reading.read_at


@dataclass(frozen=True)
class ProviderReading:
    """The reading of the providers for one collection.

    Attributes:
        known: providers of the previous collection, by id; empty if everything is read.
        read_at: when the last reading of everything began, by the clock of the memory.
        age: seconds since then.
        generations: of all providers now, by id. They are listed *after* the servers, so that the
            allocations of a server that is created meanwhile are known.
    """

    known: Mapping[str, Provider]
    read_at: float
    age: float
    generations: Mapping[str, int] = field(default_factory=dict)

    def listed(self, placement: CloudService) -> "ProviderReading":
        """The reading, with the generations that Placement lists."""
        providers = placement.get_list("/resource_providers", "resource_providers")
        found = {str(one.get("uuid")): one.get("generation", 0) for one in providers}
        return replace(self, generations=found)

    def unchanged(self, host: Hypervisor, residents: Sequence[ServerRow]) -> Provider | None:
        """The provider of a host as it was, if no part of it can have changed."""
        known = self._same(host)
        if known is None or isinstance(known.allocated, OddRecord):
            return None
        return known if accounts_for_all(residents, known.allocated) else None

    def read(self, placement: CloudService, host: Hypervisor) -> Provider | None:
        """Reads what may have changed; returns None if Placement has no such provider."""
        if host.id not in self.generations:
            return None
        known = self._same(host)
        at = f"/resource_providers/{host.id}"
        try:
            parts = known.parts if known else _parts(placement, at)
            allocated = _allocated(placement.get(f"{at}/allocations"))
        except ResourceNotFound:
            return None
        return Provider(self.generations[host.id], host.service, parts, allocated)

    def _same(self, host: Hypervisor) -> Provider | None:
        """The provider of a host, if it is the same one in the same generation.

        A host that was deleted and created again can have the same id and generation, but not the
        same compute service.
        """
        known = self.known.get(host.id)
        if known is None or known.service != host.service:
            return None
        return known if known.generation == self.generations.get(host.id) else None


def _parts(placement: CloudService, at: str) -> Json:
    inventories = placement.get(f"{at}/inventories").get("inventories")
    traits = placement.get(f"{at}/traits").get("traits")
    if isinstance(traits, list):  # hosts have the same traits: their names share memory
        traits = [sys.intern(one) if isinstance(one, str) else one for one in traits]
    return {"inventories": inventories, "traits": traits}


def _allocated(response: Json) -> Allocations | OddRecord:
    try:
        consumers = part(response, "allocations")
        return tuple(_allocation(name, part(consumers, name)) for name in consumers)
    except OddRecord as odd:
        return odd


def _allocation(consumer: str, held: Json) -> Allocation:
    if not is_identity(consumer):
        raise OddRecord("allocations", consumer)
    resources = part(held, "resources")
    return Allocation(consumer, *(whole(resources, kind) for kind in _CLASSES))
