"""The spread of a load over hosts, and what a transfer of load does to it.

The spread is the sum over the metrics of weight x standard deviation of the hosts' shares; a share
is load / capacity.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from domain.cluster.table.columns import BoolArray, FloatArray, IntArray

ROUNDING = 1e-6
"""Rounded loads may be so much below a share that they reach."""


@dataclass(frozen=True, eq=False)
class HostLoad:
    """A load to balance, of one or several metrics.

    Attributes:
        metrics: name of each row.
        amount: float64[metrics, hosts], the load of each host.
        capacity: float64[metrics, hosts], in the unit of the load; above 0 for ``hosts``.
        need: float64[metrics, servers], what each server adds to its host; NaN where unknown.
        weight: float64[metrics], of each metric in the spread.
        hosts: bool[hosts], those to balance: sources and destinations.
    """

    metrics: tuple[str, ...]
    amount: FloatArray
    capacity: FloatArray
    need: FloatArray
    weight: FloatArray
    hosts: BoolArray

    @staticmethod
    def single(
        metric: str, amount: FloatArray, capacity: FloatArray, need: FloatArray, hosts: BoolArray
    ) -> "HostLoad":
        """The load of one metric.

        Args:
            metric: its name.
            amount: float64[hosts], the load of each host.
            capacity: float64[hosts], in the unit of the load.
            need: float64[servers].
            hosts: bool[hosts], those to balance; hosts without capacity are left out.
        """
        rows = amount[None], capacity[None], need[None]
        return HostLoad((metric,), *rows, weight=np.ones(1), hosts=hosts & (capacity > 0))

    def shares(self, amount: FloatArray) -> "Shares":
        """The shares for some amount (float64[metrics, hosts])."""
        return Shares(self, amount)


class Shares:
    """The shares of hosts at one moment of a search.

    Args:
        load: whose capacity, weights and hosts count.
        amount: float64[metrics, hosts], the load of each host.

    Attributes:
        share: float64[metrics, hosts]: load / capacity, 0 for hosts that are left out.
        deviations: float64[metrics], standard deviation over the hosts; 0 without hosts.
        spread: the weighted sum of the deviations.
    """

    def __init__(self, load: HostLoad, amount: FloatArray) -> None:
        self.load = load
        self.share: FloatArray = np.divide(
            amount, load.capacity, out=np.zeros_like(amount), where=load.hosts
        )
        inside = self.share[:, load.hosts]
        self._count = max(1, inside.shape[1])
        self._mean: FloatArray = inside.sum(axis=1) / self._count
        self._squares: FloatArray = ((inside - self._mean[:, None]) ** 2).sum(axis=1)
        self.deviations: FloatArray = np.sqrt(self._squares / self._count)
        self.spread = float((load.weight * self.deviations).sum())

    def pulls(self) -> FloatArray:
        """float64[metrics, hosts]: weighted excess over the mean share; 0 if left out."""
        excess = self.load.weight[:, None] * (self.share - self._mean[:, None])
        return np.where(self.load.hosts, excess, 0.0)

    def pull(self) -> FloatArray:
        """float64[hosts]: the sum of ``pulls``. Load should leave hosts with a high one."""
        total: FloatArray = self.pulls().sum(axis=0)
        return total

    def received(self, hosts: IntArray, need: FloatArray) -> FloatArray:
        """float64[metrics, servers, hosts]: shares of hosts after they received some load.

        Args:
            hosts: int64[hosts], the receivers.
            need: float64[metrics, servers, 1 or hosts].
        """
        return self.share[:, None, hosts] + need / self.load.capacity[:, None, hosts]

    def spread_after(self, source: int, hosts: IntArray, need: FloatArray) -> FloatArray:
        """float64[servers, hosts]: the spread after a transfer from a host to others.

        With n hosts and deviations d from the mean, the variance is sum(d^2) / n - (sum(d) / n)^2.

        Args:
            source: the host that gives.
            hosts: int64[hosts], the receivers.
            need: float64[metrics, servers, 1 or hosts], what is transferred.
        """
        away = self.share - self._mean[:, None]
        less = need / self.load.capacity[:, source][:, None, None]
        more = need / self.load.capacity[:, None, hosts]
        squares = (
            self._squares[:, None, None]
            + less * (less - 2 * away[:, source][:, None, None])
            + more * (more + 2 * away[:, None, hosts])
        )
        variance = squares / self._count - ((more - less) / self._count) ** 2
        deviations = np.sqrt(np.maximum(variance, 0.0))
        after: FloatArray = (self.load.weight[:, None, None] * deviations).sum(axis=0)
        return after


class Target(Protocol):
    """When a search stops, and what no step may do."""

    @property
    def ceiling(self) -> float:
        """The share of any metric that no host may reach by receiving load."""
        ...

    def sources(self, shares: Shares) -> BoolArray:
        """bool[hosts]: hosts that should give load; none if the target is reached."""
        ...


@dataclass(frozen=True, eq=False)
class EachBelow:
    """Some hosts come below a limit, and no other host reaches it.

    Attributes:
        hot: bool[hosts], the hosts.
        ceiling: the limit, share of the capacity.
    """

    hot: BoolArray
    ceiling: float

    def sources(self, shares: Shares) -> BoolArray:
        """The hot hosts that are not below the limit yet."""
        over: BoolArray = self.hot & (shares.share >= self.ceiling).any(axis=0)
        return over


@dataclass(frozen=True, eq=False)
class SpreadAtMost:
    """The standard deviation of each metric comes down to a limit.

    Attributes:
        limits: float64[metrics].
    """

    limits: FloatArray
    ceiling: float = np.inf

    def sources(self, shares: Shares) -> BoolArray:
        """All hosts, until each deviation is at most its limit."""
        reached = bool((shares.deviations <= self.limits).all())
        return np.zeros_like(shares.load.hosts) if reached else shares.load.hosts
