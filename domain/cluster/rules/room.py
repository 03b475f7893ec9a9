"""Room on the host: what is allocated, pinned and plugged, and how busy it is."""

import numpy as np

from domain.cluster.branch import Branch
from domain.cluster.columns import BoolArray
from domain.cluster.demands import BASE_RESOURCES, PCPUS
from domain.kernel.reasons import Because, Reason


class Room:
    """Everything that a server needs some of fits beside what the host carries already.

    A resource that the server needs nothing of never stands in its way, even on a host that is
    overcommitted in it. Servers in flight count at both ends (the branch sees to that).
    """

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: room in every row that the server needs."""
        mask: BoolArray | None = None
        for row in np.flatnonzero(branch.needs[server]):
            fits = branch.amounts[row] + branch.needs[server, row] <= branch.limits[row]
            mask = fits if mask is None else mask & fits
        return mask

    def why(self, branch: Branch, server: int, host: int) -> Because:
        """The first row without room."""
        need = branch.needs[server]
        full = (need > 0) & (branch.amounts[:, host] + need > branch.limits[:, host])
        row = int(np.flatnonzero(full)[0])
        facts: dict[str, object] = {
            "host": branch.model.hosts.name[host],
            "needed": _figure(need[row]),
            "free": _figure(branch.limits[row, host] - branch.amounts[row, host]),
        }
        if row == PCPUS:
            return Because(Reason.CPU_PINNING, facts)
        if row < len(BASE_RESOURCES):
            return Because(Reason.CAPACITY_SHORT, {**facts, "resource": branch.rows[row]})
        if row < len(branch.model.resources):
            return Because(Reason.PCI_DEVICES, {**facts, "device": branch.rows[row]})
        return Because(Reason.UTILISATION_SHORT, {**facts, "resource": branch.rows[row]})


def _figure(value: float) -> float:
    return round(float(value), 3)
