"""A flavor: what a server gets, and what it allocates on a host."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from domain.cluster.compute.columns import ServerColumns
from domain.cluster.compute.resources import (
    BASE_RESOURCES,
    DISK,
    MEMORY,
    PCPUS,
    VCPUS,
    aliases,
    dedicated_cpus,
    emulator_cpus,
)
from domain.cluster.table.columns import FloatArray, frozen, mapping
from domain.cluster.table.values import whole
from domain.kernel.errors import InvalidValue


@dataclass(frozen=True)
class Flavor:
    """The flavor of a server; units as in ServerRow.

    Attributes:
        disk_gb: local disk that the server occupies: without the root disk if that is a volume.
    """

    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(servers: ServerColumns, server: int) -> "Flavor":
        """The flavor of a server of a model."""
        return Flavor(
            name=servers.flavor[server],
            vcpus=int(servers.vcpus[server]),
            memory_mb=int(servers.memory_mb[server]),
            disk_gb=int(servers.disk_gb[server]),
            extra_specs=servers.extra_specs[server],
        )

    def demand(self, resources: tuple[str, ...]) -> FloatArray:
        """float64[resources]: what is allocated to a server (see ``ComputeModel.demand``).

        Raises:
            InvalidValue: it requests a PCI device that is not among the resources.
        """
        devices = aliases(self.extra_specs)
        for alias in sorted(devices.keys() - set(resources[len(BASE_RESOURCES) :])):
            raise InvalidValue("flavor", f"requests PCI device {alias}, which no host offers")
        amounts = np.zeros(len(resources), dtype=np.float64)
        pinned = dedicated_cpus(self.vcpus, self.extra_specs)
        amounts[VCPUS] = self.vcpus - pinned
        amounts[MEMORY] = self.memory_mb
        amounts[DISK] = self.disk_gb
        amounts[PCPUS] = pinned + emulator_cpus(self.extra_specs)
        for alias, count in devices.items():
            amounts[resources.index(alias)] = count
        return frozen(amounts)


def flavor_record(flavor: Flavor) -> dict[str, object]:
    """The JSON form of a flavor. ``read_flavor`` reverses it."""
    return {**asdict(flavor), "extra_specs": dict(flavor.extra_specs)}


def read_flavor(data: object) -> Flavor:
    """Reads a flavor.

    Raises:
        InvalidValue: names the bad field.
    """
    try:
        record = mapping(data)
        specs = mapping(record.get("extra_specs", {}))
    except TypeError as error:
        raise InvalidValue("flavor", f"must be an object ({error})") from error
    figures = {
        name: whole(f"flavor.{name}", record.get(name, 0))
        for name in ("vcpus", "memory_mb", "disk_gb")
    }
    return Flavor(
        name=str(record.get("name", "")),
        extra_specs={key: str(value) for key, value in specs.items()},
        **figures,
    )
