"""What flavors ask for, and what hosts can allocate."""

from collections.abc import Mapping

import numpy as np

from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.table.columns import FloatArray, frozen
from domain.cluster.table.odd_fields import MOST

BASE_RESOURCES = ("vcpus", "memory_mb", "disk_gb", "pcpus")
VCPUS, MEMORY, DISK, PCPUS = range(4)
_ALIASES = "pci_passthrough:alias"
_DIGITS = 300
"""Digits of a number that are read; any number with more exceeds MOST."""


def dedicated_cpus(vcpus: int, extra_specs: Mapping[str, str]) -> int:
    """Number of a flavor's vCPUs that are pinned to dedicated cores (``hw:cpu_*``)."""
    policy = extra_specs.get("hw:cpu_policy", "shared")
    if policy in {"dedicated", "mixed"}:
        return len(dedicated_set(vcpus, extra_specs))
    return min(vcpus, number(extra_specs.get("resources:PCPU", "0")))


def dedicated_set(vcpus: int, extra_specs: Mapping[str, str]) -> set[int]:
    """The numbers of the dedicated vCPUs of a flavor with the dedicated or mixed policy.

    A mixed flavor lists its dedicated vCPUs, or its realtime vCPUs instead.
    """
    masks = ("hw:cpu_dedicated_mask", "hw:cpu_realtime_mask")
    named = [extra_specs[mask] for mask in masks if extra_specs.get(mask)]
    if extra_specs.get("hw:cpu_policy") == "mixed" and named:
        return cpu_set(named[0], vcpus)
    return set(range(vcpus))


def emulator_cpus(extra_specs: Mapping[str, str]) -> int:
    """Extra cores for the emulator threads of a pinned server."""
    pinned = extra_specs.get("hw:cpu_policy") in {"dedicated", "mixed"} or bool(
        number(extra_specs.get("resources:PCPU", "0"))
    )
    return int(pinned and extra_specs.get("hw:emulator_threads_policy") == "isolate")


def cpu_set(text: str, vcpus: int) -> set[int]:
    """The vCPU numbers of a mask such as ``0-3,^2``; a mask of exclusions only starts from all.

    A mask that cannot be parsed means every vCPU: the safe interpretation.
    """
    all_cpus = set(range(vcpus))
    included: set[int] = set()
    excluded: set[int] = set()
    named = False
    for part in text.split(","):
        item = part.strip()
        first, dash, last = item.removeprefix("^").partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return all_cpus
        begin, end = number(first), number(last or first)
        named |= begin <= end and not item.startswith("^")
        numbers = range(begin, min(end + 1, vcpus))
        (excluded if item.startswith("^") else included).update(numbers)
    return (included if named else all_cpus) - excluded


def aliases(extra_specs: Mapping[str, str]) -> dict[str, int]:
    """PCI alias → number of devices requested (``pci_passthrough:alias = "a:2,b:1"``)."""
    wanted: dict[str, int] = {}
    for part in extra_specs.get(_ALIASES, "").split(","):
        name, _, count = part.strip().partition(":")
        if name:
            wanted[name] = wanted.get(name, 0) + max(1, number(count))
    return wanted


def number(text: str) -> int:
    """A number in an extra spec, at most ``MOST``; 0 if it is not a number."""
    return min(int(text[:_DIGITS]), MOST) if text.isdecimal() else 0


def resources(hosts: HostColumns, servers: ServerColumns) -> tuple[str, ...]:
    """The base resources, then every PCI alias that is offered or requested, by name."""
    found = {alias for devices in hosts.devices.table for alias in devices}
    found.update(alias for specs in servers.extra_specs.table for alias in aliases(specs))
    return (*BASE_RESOURCES, *sorted(found))


def capacity(hosts: HostColumns, names: tuple[str, ...]) -> FloatArray:
    """float64[resources, hosts]; see ComputeModel.capacity."""
    room = np.zeros((len(names), len(hosts)), dtype=np.float64)
    room[VCPUS] = np.maximum(hosts.vcpus - hosts.vcpus_reserved, 0) * hosts.cpu_ratio
    room[MEMORY] = np.maximum(hosts.memory_mb - hosts.memory_reserved_mb, 0) * hosts.ram_ratio
    disk = np.maximum(hosts.disk_gb - hosts.disk_reserved_gb, 0) * hosts.disk_ratio
    room[DISK] = np.where(hosts.disk_gb == 0, np.inf, disk)
    room[PCPUS] = hosts.pcpus
    for row, alias in enumerate(names[len(BASE_RESOURCES) :], start=len(BASE_RESOURCES)):
        counts = np.array([d.get(alias, 0) for d in hosts.devices.table], dtype=np.float64)
        room[row] = counts[hosts.devices.codes] if len(hosts) else 0
    return frozen(room)


def demands(servers: ServerColumns, names: tuple[str, ...]) -> FloatArray:
    """float64[servers, resources]: cores, MB, GB, dedicated cores, then devices."""
    amounts = np.zeros((len(servers), len(names)), dtype=np.float64)
    amounts[:, VCPUS] = servers.vcpus
    amounts[:, MEMORY] = servers.memory_mb
    amounts[:, DISK] = servers.disk_gb
    for code, specs in enumerate(servers.extra_specs.table):
        if not specs:
            continue
        rows = np.flatnonzero(servers.extra_specs.codes == code)
        for alias, count in aliases(specs).items():
            amounts[rows, names.index(alias)] = count
        for vcpus in np.unique(servers.vcpus[rows]):
            pinned = dedicated_cpus(int(vcpus), specs)
            same = rows[servers.vcpus[rows] == vcpus]
            amounts[same, VCPUS] -= pinned
            amounts[same, PCPUS] = pinned + emulator_cpus(specs)
    return frozen(amounts)
