"""Placement allocations and their JSON form."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domain.cluster.table.columns import mapping
from domain.cluster.table.values import whole
from domain.kernel.errors import InvalidValue

_NAMES = {"vcpus": "vcpus", "memory_mb": "ram_mb", "disk_gb": "disk_gb", "pcpus": "pcpus"}
"""Amount → its name in a cluster file."""


class Allocation(NamedTuple):
    """What is allocated to one consumer on one host. A tuple, so it is hashable and comparable.

    Attributes:
        consumer: uuid of a server, of a migration (it holds the source allocation until the
            migration is confirmed), or of another consumer.
        vcpus: shared CPUs (VCPU).
        memory_mb: memory, MB.
        disk_gb: disk, GB.
        pcpus: dedicated CPUs (PCPU).
    """

    consumer: str
    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    pcpus: int = 0

    @property
    def amounts(self) -> tuple[int, int, int, int]:
        """The amounts, in the order of ``resources.BASE_RESOURCES``."""
        return self.vcpus, self.memory_mb, self.disk_gb, self.pcpus


Allocations = tuple[Allocation, ...]


def allocations_record(allocations: Iterable[Allocation]) -> dict[str, dict[str, int]]:
    """The JSON form: consumer → resource → amount. ``read_allocations`` reverses it."""
    return {
        one.consumer: {
            key: amount for name, key in _NAMES.items() if (amount := getattr(one, name))
        }
        for one in allocations
    }


def read_allocations(place: str, data: object) -> Allocations:
    """Reads allocations; returns them in order of consumer.

    Args:
        place: name of the field in errors.
        data: an object, or None.

    Raises:
        InvalidValue: names the bad field.
    """
    if data is None:
        return ()
    records = _object(place, data, "consumer to resources")
    return tuple(
        _allocation(f"{place}.{consumer}", consumer, record)
        for consumer, record in sorted(records.items())
    )


def _allocation(place: str, consumer: str, data: object) -> Allocation:
    record = _object(place, data, "resource to amount")
    return Allocation(
        consumer,
        **{name: whole(f"{place}.{key}", record.get(key, 0)) for name, key in _NAMES.items()},
    )


def _object(place: str, data: object, members: str) -> Mapping[str, object]:
    try:
        return mapping(data)
    except TypeError as error:
        raise InvalidValue(place, f"must be an object: {members} ({error})") from error
