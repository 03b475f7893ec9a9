"""From metrics to the load of a model: resource use, and its limits per host."""

from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import USED_CPU, USED_MEMORY, MeasuredLoad
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.metrics.catalogue import (
    HOST_CPU_USAGE,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_ALLOCATED,
    INSTANCE_RAM_USAGE,
    MetricNeed,
    MetricTable,
)
from domain.optimization.algorithms.loads import capacity, measured_use


@dataclass(frozen=True)
class UtilisationNeeds:
    """The metrics that ``utilisation`` reads, as mean over a period.

    Attributes:
        server_cpu: required; the others are used where they are known.
    """

    server_cpu: MetricNeed
    server_memory: MetricNeed
    server_memory_allocated: MetricNeed
    host_cpu: MetricNeed
    host_memory: MetricNeed

    @staticmethod
    def of(period: float, granularity: float) -> "UtilisationNeeds":
        """The needs for a period and a width of samples, s."""
        return UtilisationNeeds(
            MetricNeed(INSTANCE_CPU_USAGE, "server", "mean", period, granularity, required=True),
            MetricNeed(INSTANCE_RAM_USAGE, "server", "mean", period, granularity, required=False),
            MetricNeed(
                INSTANCE_RAM_ALLOCATED, "server", "mean", period, granularity, required=False
            ),
            MetricNeed(HOST_CPU_USAGE, "host", "mean", period, granularity, required=False),
            MetricNeed(HOST_RAM_USAGE, "host", "mean", period, granularity, required=False),
        )


@dataclass(frozen=True, eq=False)
class Utilisation:
    """Load, and which parts of it are measured.

    Attributes:
        load: for branches.
        cpu_known: bool[servers], the CPU use of the server was measured.
        memory_known: bool[servers], the memory use of the server was measured.
        cpu_measured: float64[hosts], cores in use according to measurements alone.
    """

    load: MeasuredLoad
    cpu_known: BoolArray
    memory_known: BoolArray
    cpu_measured: FloatArray


def utilisation(
    model: ComputeModel,
    metrics: MetricTable,
    needs: UtilisationNeeds,
    *,
    cpu_headroom: float,
    memory_headroom: float,
) -> Utilisation:
    """The load of a model.

    What is not measured is taken from the flavor: memory as allocated, and of CPU the server's
    share of its host's cores, vCPUs / allocation ratio (a host whose vCPUs are all allocated is
    then taken as fully used, not as overloaded). A measured 0 is 0. What a host uses beyond its
    servers' sum stays on the host as its base load.

    Args:
        model: the model.
        metrics: has the columns of ``needs``.
        needs: instance and host CPU and RAM usage.
        cpu_headroom: share of a host's physical cores that may be in use.
        memory_headroom: share of a host's memory that may be in use.
    """
    servers, hosts = model.servers, model.hosts
    measured = measured_use(model, metrics, needs.server_cpu)
    share = servers.vcpus / np.maximum(hosts.cpu_ratio[servers.host], 1.0)
    cpu = np.where(np.isnan(measured), share, measured)

    used_mb = measured_use(model, metrics, needs.server_memory)
    allocated_mb = metrics[needs.server_memory_allocated]
    known_mb = np.where(np.isnan(used_mb), allocated_mb, used_mb)
    memory = np.where(np.isnan(known_mb), servers.memory_mb, known_mb)

    host_cpu = measured_use(model, metrics, needs.host_cpu)
    host_mb = measured_use(model, metrics, needs.host_memory)
    own_cores = np.where(np.isnan(host_cpu), model.cores, capacity(model, HOST_CPU_USAGE))
    own_mb = hosts.memory_mb - np.where(np.isnan(host_mb), hosts.memory_reserved_mb, 0)

    need = np.stack([cpu, memory], axis=1)
    base = np.stack([_beyond(host_cpu, cpu, servers.host), _beyond(host_mb, memory, servers.host)])
    limit = np.stack([own_cores * cpu_headroom, np.maximum(own_mb, 0) * memory_headroom])
    load = MeasuredLoad.of(need, base, limit)
    known = np.where(np.isnan(measured), 0.0, load.need[:, USED_CPU])
    at = np.bincount(servers.host, weights=known, minlength=len(hosts))
    return Utilisation(
        load=load,
        cpu_known=~np.isnan(measured),
        memory_known=~np.isnan(used_mb),
        cpu_measured=at + load.base[USED_CPU],
    )


def _beyond(
    host: FloatArray, per_server: FloatArray, at: np.ndarray[tuple[int], np.dtype[np.int32]]
) -> FloatArray:
    explained = np.bincount(at, weights=per_server, minlength=len(host))
    return np.where(np.isnan(host), 0.0, np.maximum(host - explained, 0.0))


__all__ = ["USED_CPU", "USED_MEMORY", "Utilisation", "utilisation"]
