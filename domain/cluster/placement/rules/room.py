"""Room on the host: what is allocated, pinned and plugged, and how busy it is."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.resources import BASE_RESOURCES, PCPUS
from domain.cluster.placement.branch import Branch
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.reasons import Cause, Reason

_NAMED = 3


@dataclass(frozen=True)
class _Pieces:
    """The most that one server may have on each host, and on the smallest of them.

    Attributes:
        model: whose hosts they are.
        most: float64[hosts], for each of the first rows (vcpus, memory_mb, disk_gb).
        least: the smallest of each row: what needs no more is in nobody's way.
    """

    model: ComputeModel
    most: tuple[FloatArray, ...]
    least: tuple[float, ...]

    @staticmethod
    def of(model: ComputeModel) -> "_Pieces":
        hosts = model.hosts
        disk = np.where(hosts.disk_gb == 0, np.inf, hosts.disk_gb)
        most = tuple(row.astype(np.float64) for row in (hosts.vcpus, hosts.memory_mb, disk))
        return _Pieces(model, most, tuple(float(row.min(initial=np.inf)) for row in most))


class Capacity:
    """Everything that a server needs some of fits beside what the host carries already.

    A resource that the server needs nothing of never stands in its way, even on a host that is
    overcommitted in it. Servers in flight count at both ends (the branch sees to that).

    What is allocated on a host to others than its servers (a server on its way there, a migration
    that may be undone, a consumer that is no server) is taken like anything else.

    No single server gets more of a resource than the host physically has: an allocation ratio
    promises more to all servers together (placement's ``max_unit``, which Nova sets to the total).
    """

    def __init__(self) -> None:
        self._known: _Pieces | None = None

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: room in every row that the server needs."""
        pieces = self._pieces(branch.model)
        mask: BoolArray | None = None
        for row in np.flatnonzero(branch.needs[server]):
            need = branch.needs[server, row]
            fits = branch.amounts[row] + need <= branch.limits[row]
            if row < len(pieces.least) and need > pieces.least[row]:
                fits &= need <= pieces.most[row]
            mask = fits if mask is None else mask & fits
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The first row without room."""
        need, carried = branch.needs[server], branch.amounts[:, host]
        most = np.full(len(need), np.inf)
        pieces = self._pieces(branch.model).most
        most[: len(pieces)] = [piece[host] for piece in pieces]
        full = (need > 0) & ((carried + need > branch.limits[:, host]) | (need > most))
        row = int(np.flatnonzero(full)[0])
        free = branch.limits[row, host] - carried[row]
        facts: dict[str, object] = {
            "host": branch.model.hosts.name[host],
            "needed": _figure(need[row]),
            "free": _figure(min(free, most[row])),
        }
        if row < len(BASE_RESOURCES):
            held = branch.model.others[row, host]
            if need[row] <= min(free + held, most[row]):
                others = {"held": _figure(held), "holders": _holders(branch.model, row, host)}
                facts |= {"resource": branch.rows[row], **others}
                return Cause(Reason.ROOM_HELD_BY_OTHERS, facts)
        if row == PCPUS:
            return Cause(Reason.CPU_PINNING, facts)
        if row < len(BASE_RESOURCES):
            return Cause(Reason.CAPACITY_SHORT, {**facts, "resource": branch.rows[row]})
        if row < len(branch.model.resources):
            return Cause(Reason.PCI_DEVICES, {**facts, "device": branch.rows[row]})
        return Cause(Reason.UTILISATION_SHORT, {**facts, "resource": branch.rows[row]})

    def _pieces(self, model: ComputeModel) -> _Pieces:
        if self._known is None or self._known.model is not model:
            self._known = _Pieces.of(model)
        return self._known


def _holders(model: ComputeModel, row: int, host: int) -> str:
    """Who holds some of a resource without being on the host, the first few by name."""
    booked = model.hosts.other_allocations[host] or ()
    names = [one.consumer for one in booked if one.amounts[row]]
    more = len(names) - _NAMED
    return ", ".join([*names[:_NAMED], *([f"{more} more"] if more > 0 else ())])


def _figure(value: float) -> float:
    return round(float(value), 3)
