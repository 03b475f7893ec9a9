"""Stabilises the load: servers move until the spread of the hosts' load is below a threshold.

The load of a host is its own measurement, as a share of all its cores or memory; with a server
moves what is measured of the server. A host without a measurement is left out, as source and as
destination, and a server without one stays.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import FloatArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import (
    HOST_CPU_USAGE,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_RAM_USAGE,
    MetricNeed,
)
from domain.optimization.algorithms.balancing import balance, indicators
from domain.optimization.algorithms.loads import (
    after_flights,
    capacity,
    host_use,
    rested,
    server_use,
    unknown_use,
    unmoved_servers,
)
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.offloading import NOTHING_MEASURED
from domain.optimization.algorithms.spread import HostLoad, SpreadAtMost
from domain.optimization.algorithms.staying import LoadedHosts
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import (
    AGGREGATION_METHOD,
    COOLDOWN,
    GRANULARITY,
    MAX_MIGRATIONS,
    Aggregates,
)
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy

SPREAD_WITHIN_THRESHOLD = Reason(
    "spread-within-threshold",
    "the standard deviation of {metric} over {hosts} hosts is {spread}, the threshold is "
    "{threshold}",
    hosts="number",
    spread="share of the capacity",
    threshold="share of the capacity",
)
SPREAD_NOT_HELD = Reason(
    "spread-not-held",
    "the standard deviation of {metric} over {hosts} hosts is {spread}, over the threshold of "
    "{threshold}, but that of the means of {hold} s is only {held}",
    hosts="number",
    spread="share of the capacity",
    threshold="share of the capacity",
    hold="s",
    held="share of the capacity",
)
SPREAD_STAYS = Reason(
    "spread-stays",
    "the standard deviation of {metric} over {hosts} hosts stays at {spread}, over the threshold "
    "of {threshold}",
    hosts="number",
    spread="share of the capacity",
    threshold="share of the capacity",
)
STAYS_LOADED = Reason("stays-loaded", "{host} stays at {load} % of {metric}: {why}", load="%")

SETTLED = 0.95
"""Share of a threshold that the spread comes down to: an audit of the result finds nothing to do,
also if the load changes a little."""

_SHARE: JsonObject = {"type": "number", "minimum": 0, "maximum": 1}
_SECONDS: JsonObject = {"type": "integer", "minimum": 0}
HOST_METRICS = {INSTANCE_CPU_USAGE: HOST_CPU_USAGE, INSTANCE_RAM_USAGE: HOST_RAM_USAGE}
"""Metric of servers → the metric of their hosts."""


@dataclass(frozen=True)
class Thresholds:
    """Of the standard deviation of the hosts' shares."""

    instance_cpu_usage: float = 0.1
    instance_ram_usage: float = 0.1


@dataclass(frozen=True)
class Weights:
    """Of each metric in the spread."""

    instance_cpu_usage_weight: float = 1.0
    instance_ram_usage_weight: float = 1.0


@dataclass(frozen=True)
class HostMetrics:
    """Metric of servers → the metric of their hosts."""

    instance_cpu_usage: Literal["host_cpu_usage"] = "host_cpu_usage"
    instance_ram_usage: Literal["host_ram_usage"] = "host_ram_usage"


@dataclass(frozen=True)
class Periods:
    """How far back, s. ``node``, unless 0, replaces ``compute_node``."""

    instance: int = 720
    compute_node: int = 600
    node: int = 0


@dataclass(frozen=True)
class StabilizationParameters:
    """The parameters of an audit.

    Attributes:
        metrics: those to balance.
        thresholds, weights, instance_metrics, periods, aggregation_method: of each.
        host_choice, retry_count: without effect; all hosts are considered.
        granularity: width of a sample, s.
        max_migrations: the most migrations of a plan; 0: no limit.
        margin: how far below its threshold the spread comes.
        hold: the spread of the means of so many seconds must be over the threshold too.
        cooldown: how long a server stays after a migration, s.
    """

    metrics: tuple[Literal["instance_cpu_usage", "instance_ram_usage"], ...] = (
        "instance_cpu_usage",
    )
    thresholds: Thresholds = field(default_factory=Thresholds)
    weights: Weights = field(default_factory=Weights)
    instance_metrics: HostMetrics = field(default_factory=HostMetrics)
    host_choice: str = "retry"
    retry_count: float = 1
    periods: Periods = field(default_factory=Periods)
    aggregation_method: Aggregates = field(default_factory=Aggregates)
    granularity: float = 300
    max_migrations: int = 0
    margin: float = 0.0
    hold: float = 0.0
    cooldown: float = 0.0

    def rows(self) -> tuple[str, ...]:
        """The metrics, each once."""
        return tuple(dict.fromkeys(self.metrics))

    def of_servers(self) -> tuple[MetricNeed, ...]:
        """What is measured of servers, in the order of ``rows``."""
        aggregate, period = self.aggregation_method.instance, self.periods.instance
        return tuple(
            MetricNeed(one, "server", aggregate, period, self.granularity) for one in self.rows()
        )

    def of_hosts(self) -> tuple[MetricNeed, ...]:
        """What is measured of hosts now, in the order of ``rows``."""
        period = self.periods.node or self.periods.compute_node
        aggregate = self.aggregation_method.host
        return self._of_hosts(aggregate, period)

    def held(self) -> tuple[MetricNeed, ...]:
        """What is measured of hosts within ``hold``, in the order of ``rows``; or nothing."""
        return self._of_hosts("mean", self.hold) if self.hold else ()

    def limits(self) -> FloatArray:
        """float64[metrics]: the thresholds, in the order of ``rows``."""
        return np.array([getattr(self.thresholds, one) for one in self.rows()], dtype=np.float64)

    def weight(self) -> FloatArray:
        """float64[metrics]: the weights, in the order of ``rows``."""
        names = [f"{one}_weight" for one in self.rows()]
        return np.array([getattr(self.weights, name) for name in names], dtype=np.float64)

    def _of_hosts(self, aggregate: str, period: float) -> tuple[MetricNeed, ...]:
        return tuple(
            MetricNeed(HOST_METRICS[one], "host", aggregate, period, self.granularity)
            for one in self.rows()
        )


class WorkloadStabilization(Strategy[StabilizationParameters]):
    """Moves and swaps servers until the spread of each metric is below its threshold."""

    name = "workload_stabilization"
    display_name = "Workload stabilization"
    goal = "workload_balancing"
    parameters = StabilizationParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "metrics": {
                "description": "Metrics whose load is balanced.",
                "type": "array",
                "items": {"type": "string", "enum": [INSTANCE_CPU_USAGE, INSTANCE_RAM_USAGE]},
                "default": [INSTANCE_CPU_USAGE],
            },
            "thresholds": {
                "description": "Limits of the standard deviation of the load of hosts, by metric.",
                "type": "object",
                "properties": {
                    "instance_cpu_usage": {"description": "Limit for CPU, as a share."} | _SHARE,
                    "instance_ram_usage": {"description": "Limit for memory, as a share."} | _SHARE,
                },
                "default": {"instance_cpu_usage": 0.1, "instance_ram_usage": 0.1},
            },
            "weights": {
                "description": "Weights of the metrics in the sum of their standard deviations.",
                "type": "object",
                "properties": {
                    "instance_cpu_usage_weight": {"description": "Weight of CPU."} | _SHARE,
                    "instance_ram_usage_weight": {"description": "Weight of memory."} | _SHARE,
                },
                "default": {"instance_cpu_usage_weight": 1.0, "instance_ram_usage_weight": 1.0},
            },
            "instance_metrics": {
                "description": "Metric of hosts for each metric of servers.",
                "type": "object",
                "default": {
                    "instance_cpu_usage": HOST_CPU_USAGE,
                    "instance_ram_usage": HOST_RAM_USAGE,
                },
            },
            "host_choice": {
                "description": "Without effect: all hosts are considered.",
                "type": "string",
                "default": "retry",
            },
            "retry_count": {
                "description": "Without effect: all hosts are considered.",
                "type": "number",
                "minimum": 1,
                "default": 1,
            },
            "periods": {
                "description": "Periods over which metrics are aggregated, in seconds.",
                "type": "object",
                "properties": {
                    "instance": {"description": "Of metrics of servers."} | _SECONDS,
                    "compute_node": {"description": "Of metrics of hosts."} | _SECONDS,
                    "node": {
                        "description": "Replaces compute_node, unless 0.",
                        "type": "integer",
                        "minimum": 0,
                        "default": 0,
                    },
                },
                "default": {"instance": 720, "compute_node": 600, "node": 0},
            },
            "aggregation_method": AGGREGATION_METHOD,
            "granularity": {
                "description": GRANULARITY,
                "type": "number",
                "minimum": 0,
                "default": 300,
            },
            "max_migrations": MAX_MIGRATIONS,
            "margin": {
                "description": "Distance to its threshold that the standard deviation reaches.",
                "type": "number",
                "minimum": 0,
                "default": 0.0,
            },
            "hold": {
                "description": "Period that must be over it, too, in seconds; 0 for none.",
                "type": "number",
                "minimum": 0,
                "default": 0.0,
            },
            "cooldown": COOLDOWN,
        }
    }

    def requirements(self, parameters: StabilizationParameters) -> Requirements:
        """The requested metrics of servers and hosts, and recent moves of servers that must rest.

        Raises:
            InvalidValue: no metric is requested.
        """
        if not parameters.metrics:
            raise InvalidValue("metrics", "must name at least one metric")
        needs = (*parameters.of_hosts(), *parameters.of_servers(), *parameters.held())
        return Requirements(metrics=tuple(dict.fromkeys(needs)), recent_moves=parameters.cooldown)

    def solve(self, context: StrategyContext[StabilizationParameters]) -> Solution:
        """The moves, and why the spread stays over a threshold if it does."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Stabilization(context).solution()


class _Stabilization:
    """One run."""

    def __init__(self, context: StrategyContext[StabilizationParameters]) -> None:
        self._context = context
        self._given = context.parameters
        self._measured = np.array([host_use(context, one) for one in self._given.of_hosts()])
        self._use = np.array([server_use(context, one) for one in self._given.of_servers()])
        self._load = self._load_of(self._measured)

    def _load_of(self, measured: FloatArray) -> HostLoad:
        """The load by measurements of hosts (float64[metrics, hosts])."""
        model, rows = self._context.compute, self._given.rows()
        whole = np.array([capacity(model, one) for one in rows])
        usable = ((whole > 0) & ~np.isnan(measured)).all(axis=0)
        return HostLoad(
            metrics=rows,
            amount=after_flights(self._context, np.nan_to_num(measured), self._use),
            capacity=whole,
            need=self._use,
            weight=self._given.weight(),
            hosts=model.up & model.enabled & usable,
        )

    def solution(self) -> Solution:
        """Moves, indicators and remarks."""
        given, moves = self._given, Moves(self._context)
        before = after = self._load.shares(self._load.amount)
        calm = self._calm(before.deviations)
        if calm:
            notes = calm
        else:
            limits = np.maximum(given.limits() * SETTLED - given.margin, 0.0)
            movable = moves.rules.movable & rested(self._context, given.cooldown)
            target = SpreadAtMost(limits)
            after = balance(moves, self._load, target, movable, max_moves=given.max_migrations)
            unmoved = unmoved_servers(self._context, given.cooldown)
            notes = self._explain(LoadedHosts(moves, after, target.ceiling, unmoved))
        for name, use in zip(given.rows(), self._use, strict=True):
            notes = (*notes, *unknown_use(name, use, "server"))
        for need, measured in zip(given.of_hosts(), self._measured, strict=True):
            notes = (*notes, *unknown_use(need.name, measured, "host"))
        notes = (*notes, *moves.rules.notes(moves.branch))
        return Solution(tuple(moves.actions), indicators(moves, before, after), notes)

    def _calm(self, deviations: FloatArray) -> tuple[Cause, ...]:
        """Why nothing is to be done; empty if a metric's spread is over its threshold."""
        given = self._given
        if not self._load.hosts.any():
            return (Cause(NOTHING_MEASURED, {"metric": self._given.of_hosts()[0].name}),)
        over = deviations > given.limits()
        held = deviations
        if given.hold:
            means = self._load_of(np.array([host_use(self._context, n) for n in given.held()]))
            held = means.shares(means.amount).deviations
        if (over & (held > given.limits())).any():
            return ()
        return tuple(
            self._cause(SPREAD_NOT_HELD, row, deviations, hold=given.hold, held=_rounded(held[row]))
            if over[row]
            else self._cause(SPREAD_WITHIN_THRESHOLD, row, deviations)
            for row in range(len(deviations))
        )

    def _explain(self, hosts: LoadedHosts) -> tuple[Cause, ...]:
        """Records why loaded hosts keep their servers; returns the remarks about the spread."""
        deviations = hosts.shares.deviations
        over = np.flatnonzero(deviations > self._given.limits())
        limit = self._given.max_migrations
        if len(over) and not (limit and len(hosts.moves.actions) >= limit):
            hosts.reject(hosts.shares.pull() > 0, STAYS_LOADED)
        return tuple(self._cause(SPREAD_STAYS, int(row), deviations) for row in over)

    def _cause(self, reason: Reason, row: int, deviations: FloatArray, **facts: object) -> Cause:
        figures: JsonObject = {
            "metric": self._load.metrics[row],
            "hosts": int(np.count_nonzero(self._load.hosts)),
            "spread": _rounded(deviations[row]),
            "threshold": float(self._given.limits()[row]),
        }
        return Cause(reason, {**figures, **facts})


def _rounded(spread: float) -> float:
    return round(float(spread), 5)
