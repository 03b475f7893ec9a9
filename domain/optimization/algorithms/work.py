"""Which servers make a host work: those that use most CPU; where that is unknown, the largest."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.metrics.catalogue import MetricNeed
from domain.optimization.algorithms.loads import server_use
from domain.optimization.context import P, StrategyContext


@dataclass(frozen=True, eq=False)
class Work:
    """The CPU use of servers.

    Attributes:
        cores: float64[servers], cores in use; NaN where unknown.
        vcpus: int64[servers].
        at: float64[servers], known use of all servers of the same host, cores.
    """

    cores: FloatArray
    vcpus: IntArray
    at: FloatArray

    @staticmethod
    def of(context: StrategyContext[P], need: MetricNeed) -> "Work":
        """The work of a model's servers, by a need of ``instance_cpu_usage``."""
        cores, servers = server_use(context, need), context.compute.servers
        sums = np.bincount(servers.host, weights=np.nan_to_num(cores)).astype(np.float64)
        return Work(cores, servers.vcpus, sums[servers.host])

    @property
    def idle(self) -> BoolArray:
        """bool[servers]: are known to use nothing."""
        nothing: BoolArray = self.cores == 0
        return nothing

    def busiest_first(self, servers: IntArray) -> list[int]:
        """Servers of known use first, most cores first; then the others, most vCPUs first."""
        known = np.nan_to_num(self.cores[servers], nan=-1.0)
        order = np.lexsort((servers, -self.vcpus[servers], -known))
        found: list[int] = servers[order].tolist()
        return found

    def busiest(self, servers: IntArray) -> int:
        """The first of ``busiest_first``."""
        return self.busiest_first(servers)[0]

    def facts(self, server: int) -> JsonObject:
        """``work`` in words, and its ``cores`` if they are known."""
        cores, vcpus = float(self.cores[server]), int(self.vcpus[server])
        if np.isnan(cores):
            return {"work": f"{vcpus} vCPUs, of unknown use"}
        used, whole = round(cores, 2), round(float(self.at[server]), 2)
        return {"work": f"{used} of the {whole} cores in use there", "cores": used}
