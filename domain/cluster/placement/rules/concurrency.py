"""How many moves may be in progress at once."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.rules.rule import BranchRule
from domain.cluster.table.columns import BoolArray
from domain.kernel.reasons import Cause, Reason

MOVES_IN_FLIGHT = Reason(
    "moves-in-flight",
    "{count} migrations on {host} and {total} in total are in progress",
    count="number",
    total="number",
)


@dataclass(frozen=True)
class ConcurrencyLimits:
    """Limits on moves in progress; None for no limit.

    Attributes:
        total: in the whole model.
        per_host: to or from one host.
    """

    total: int | None = None
    per_host: int | None = None


class MigrationConcurrency(BranchRule):
    """The moves in progress, in total and on both hosts, are below their limits."""

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self._limits = limits

    def allowed(self, branch: Branch, server: int) -> BoolArray | None:
        """bool[hosts]: may be a destination now."""
        if not branch.moving:
            return None
        if server in branch.moving or self._full(branch, server):
            return np.zeros(len(branch.model.hosts), dtype=np.bool_)
        if self._limits.per_host is None:
            return None
        return branch.busy < self._limits.per_host

    def why(self, branch: Branch, server: int, host: int) -> Cause:
        """The number of moves in progress, and the host that is at its limit."""
        source = int(branch.host_of[server])
        at = source if self._source_busy(branch, source) else host
        facts: dict[str, object] = {
            "host": branch.model.hosts.name[at],
            "count": int(branch.busy[at]),
            "total": len(branch.moving),
        }
        return Cause(MOVES_IN_FLIGHT, facts)

    def _full(self, branch: Branch, server: int) -> bool:
        total = self._limits.total
        if total is not None and len(branch.moving) >= total:
            return True
        return self._source_busy(branch, int(branch.host_of[server]))

    def _source_busy(self, branch: Branch, source: int) -> bool:
        per_host = self._limits.per_host
        return per_host is not None and bool(branch.busy[source] >= per_host)
