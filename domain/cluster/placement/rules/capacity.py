"""Capacity of the host: allocated resources, dedicated CPUs, PCI devices and measured use."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import BASE_RESOURCES, PCPUS
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.rule import BranchRule
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.reasons import Cause, Reason

CAPACITY_SHORT = Reason(
    "capacity-short",
    "{host} lacks {resource}: {needed} needed, {free} free",
    needed="amount",
    free="amount",
)
ROOM_HELD_BY_OTHERS = Reason(
    "room-held-by-others",
    "{host} lacks {resource}: {needed} needed, {free} free; {held} are allocated to "
    "other consumers: {holders}",
    needed="amount",
    free="amount",
    held="amount",
)
UTILISATION_SHORT = Reason(
    "utilisation-short",
    "{host} is too busy: {resource} {needed} needed, {free} left",
    needed="amount",
    free="amount",
)
CPU_PINNING = Reason(
    "cpu-pinning",
    "{host} cannot pin {needed} CPUs: {free} free",
    needed="amount",
    free="amount",
)
PCI_DEVICES = Reason("pci-devices", "{host} lacks PCI device {device}")

_LISTED = 3


@dataclass(frozen=True)
class _LargestUnits:
    """The most that one server can get on each host.

    Attributes:
        model: the model of the hosts.
        most: float64[hosts], for each of the first rows (vcpus, memory_mb, disk_gb).
        least: the minimum of each row over the hosts: a smaller need fits on all of them.
    """

    model: ComputeModel
    most: tuple[FloatArray, ...]
    least: tuple[float, ...]

    @staticmethod
    def of(model: ComputeModel) -> "_LargestUnits":
        hosts = model.hosts
        disk = np.where(hosts.disk_gb == 0, np.inf, hosts.disk_gb)
        most = tuple(row.astype(np.float64) for row in (hosts.vcpus, hosts.memory_mb, disk))
        return _LargestUnits(model, most, tuple(float(row.min(initial=np.inf)) for row in most))


class Capacity(BranchRule):
    """The host has enough free capacity of every resource that the server needs.

    A resource that the server does not need is not checked, even if the host is overcommitted in
    it. Moving servers count on both hosts (see Branch).

    Foreign allocations on the host (a server that is migrating there, a migration that can be
    reverted, a consumer that is not a server) count as used.

    One server cannot get more of a resource than the host physically has: the allocation ratio
    applies to all servers together (Placement's ``max_unit``, which Nova sets to the total).
    """

    def __init__(self) -> None:
        self._known: _LargestUnits | None = None

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: enough free of every row that the server needs."""
        units = self._largest_units(branch.model)
        mask: BoolArray | None = None
        for row in np.flatnonzero(branch.needs[server]):
            need = branch.needs[server, row]
            fits = branch.amounts[row] + need <= branch.limits[row]
            if row < len(units.least) and need > units.least[row]:
                fits &= need <= units.most[row]
            mask = fits if mask is None else mask & fits
        return mask

    def allows(self, branch: Branch, server: int, host: int) -> bool:
        """Enough free of every row that the server needs: as ``allowed``, of one host."""
        return next(self._short(branch, server, host), None) is None

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The first row that is short."""
        row = next(self._short(branch, server, host))
        units = self._largest_units(branch.model).most
        need, most = branch.needs[server, row], units[row][host] if row < len(units) else np.inf
        free = branch.limits[row, host] - branch.amounts[row, host]
        facts: dict[str, object] = {
            "host": branch.model.hosts.name[host],
            "needed": _figure(need),
            "free": _figure(min(free, most)),
        }
        if row < len(BASE_RESOURCES):
            held = branch.model.foreign_allocated[row, host]
            if need <= min(free + held, most):
                others = {"held": _figure(held), "holders": _consumers(branch.model, row, host)}
                facts |= {"resource": branch.rows[row], **others}
                return Cause(ROOM_HELD_BY_OTHERS, facts)
        if row == PCPUS:
            return Cause(CPU_PINNING, facts)
        if row < len(BASE_RESOURCES):
            return Cause(CAPACITY_SHORT, {**facts, "resource": branch.rows[row]})
        if row < len(branch.model.resources):
            return Cause(PCI_DEVICES, {**facts, "device": branch.rows[row]})
        return Cause(UTILISATION_SHORT, {**facts, "resource": branch.rows[row]})

    def _short(self, branch: Branch, server: int, host: int) -> Iterator[int]:
        """The rows that are short on a host, in order."""
        units = self._largest_units(branch.model)
        amounts, limits = branch.amounts[:, host].tolist(), branch.limits[:, host].tolist()
        for row, need in enumerate(branch.needs[server].tolist()):
            is_large = row < len(units.least) and need > units.least[row]
            most = units.most[row][host] if is_large else need
            if need > 0 and (amounts[row] + need > limits[row] or need > most):
                yield row

    def _largest_units(self, model: ComputeModel) -> _LargestUnits:
        if self._known is None or self._known.model is not model:
            self._known = _LargestUnits.of(model)
        return self._known


def _consumers(model: ComputeModel, row: int, host: int) -> str:
    """Foreign consumers of a resource on a host, the first few by name."""
    booked = model.hosts.other_allocations[host] or ()
    names = [one.consumer for one in booked if one.amounts[row]]
    more = len(names) - _LISTED
    return ", ".join([*names[:_LISTED], *([f"{more} more"] if more > 0 else ())])


def _figure(value: float) -> float:
    return round(float(value), 3)
