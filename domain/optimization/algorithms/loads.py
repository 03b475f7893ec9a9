"""The use of resources by servers and hosts, from metrics, as the moves in flight will leave it.

An unknown use is NaN, never 0. A server that does not run uses nothing, measured or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.load import exact
from domain.cluster.table.columns import BoolArray, FloatArray, IndexArray
from domain.kernel.reasons import Cause
from domain.metrics.catalogue import (
    HOST_CPU_USAGE,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_USAGE,
    METRIC_UNKNOWN,
    MetricNeed,
    MetricTable,
)
from domain.optimization.algorithms.draining import IN_FLIGHT
from domain.optimization.context import P, StrategyContext

_KIB_PER_MB = 1024.0
_MEMORY = frozenset({HOST_RAM_USAGE, INSTANCE_RAM_USAGE})
_AT_REST = frozenset({"stopped", "suspended"})
"""States in which a server uses neither CPU nor memory of its host."""


def capacity(model: ComputeModel, metric: str) -> FloatArray:
    """float64[hosts]: all cores, or all memory (MB), of which the metric tells the use."""
    hosts = model.hosts
    whole = hosts.memory_mb if metric in _MEMORY else hosts.vcpus + hosts.pcpus
    return whole.astype(np.float64)


def measured_use(model: ComputeModel, metrics: MetricTable, need: MetricNeed) -> FloatArray:
    """float64[servers] or [hosts]: cores, or MB, of a metric of use of CPU or memory."""
    measured = metrics[need]
    if need.name == INSTANCE_CPU_USAGE:
        return model.servers.vcpus * np.minimum(measured, 100.0) / 100.0
    if need.name == HOST_CPU_USAGE:
        return measured * capacity(model, need.name) / 100.0
    return measured / _KIB_PER_MB if need.name == HOST_RAM_USAGE else measured


def server_use(context: StrategyContext[P], need: MetricNeed) -> FloatArray:
    """float64[servers]: cores (``instance_cpu_usage``) or MB (``instance_ram_usage``)."""
    measured = measured_use(context.compute, context.metrics, need)
    at_rest = context.compute.servers.state.where(lambda one: one in _AT_REST)
    return exact(np.where(at_rest, 0.0, measured))


def host_use(context: StrategyContext[P], need: MetricNeed) -> FloatArray:
    """float64[hosts]: cores (``host_cpu_usage``) or MB (``host_ram_usage``)."""
    return exact(measured_use(context.compute, context.metrics, need))


def future_hosts(context: StrategyContext[P]) -> IndexArray:
    """int32[servers]: the host of each server once the moves in flight have ended."""
    model, at = context.compute, context.compute.servers.host.copy()
    for move in context.moves:
        server = model.server_places.get(move.server)
        destination = model.host_places.get(move.destination)
        if not move.finished and server is not None and destination is not None:
            at[server] = destination
    return at


def after_flights(context: StrategyContext[P], measured: FloatArray, use: FloatArray) -> FloatArray:
    """float64[metrics, hosts]: the use of hosts once the moves in flight have ended.

    Args:
        context: with the moves in flight.
        measured: float64[metrics, hosts], now.
        use: float64[metrics, servers]; servers of unknown use are not counted.
    """
    expected, at = measured.copy(), future_hosts(context)
    now = context.compute.servers.host
    for server in np.flatnonzero(at != now):
        expected[:, now[server]] -= np.nan_to_num(use[:, server])
        expected[:, at[server]] += np.nan_to_num(use[:, server])
    return expected


def unmoved_servers(context: StrategyContext[P], cooldown: float) -> Mapping[str, BoolArray]:
    """What is said of servers that are not moved now → bool[servers]."""
    return {
        IN_FLIGHT: context.in_flight(),
        f"migrated within {cooldown:g} s": ~rested(context, cooldown),
    }


def rested(context: StrategyContext[P], cooldown: float) -> BoolArray:
    """bool[servers]: not in flight, and not moved within some seconds.

    Finished moves are known as far back as the strategy's ``Requirements.recent_moves`` says.
    """
    calm: BoolArray = ~context.in_flight() & (context.seconds_since_move() >= cooldown)
    return calm


@dataclass(frozen=True, eq=False)
class Sums:
    """The use of the servers of each host.

    Attributes:
        amount: float64[hosts], the known part.
        whole: bool[hosts], every server's use is known.
    """

    amount: FloatArray
    whole: BoolArray

    @staticmethod
    def of(context: StrategyContext[P], use: FloatArray) -> "Sums":
        """Sums float64[servers] per host."""
        at, hosts = future_hosts(context), len(context.compute.hosts)
        unknown = np.bincount(at, weights=np.isnan(use), minlength=hosts)
        amount = np.bincount(at, weights=np.nan_to_num(use), minlength=hosts)
        return Sums(amount.astype(np.float64), (unknown == 0) & (context.compute.hosts.unseen == 0))


def unknown_use(metric: str, use: FloatArray, resource: str) -> tuple[Cause, ...]:
    """A remark about unknown values (NaN) of hosts or servers; none if all are known."""
    return unknown_remark(metric, ~np.isnan(use), resource)


def unknown_remark(metric: str, known: BoolArray, resource: str) -> tuple[Cause, ...]:
    """A remark about hosts or servers whose value is not known (bool[]); none if all are."""
    missing = int(np.count_nonzero(~known))
    facts = {"metric": metric, "resource": f"{missing} of {len(known)} {resource}s"}
    return (Cause(METRIC_UNKNOWN, {**facts, "count": missing}),) if missing else ()
