"""Balances the load: servers leave each host that is over a threshold until it is below it.

The load of a host is the sum of what its servers use, as a share of all its cores or memory. A
host with a server of unknown use is no destination; if the known part is over the threshold
already, its other servers may leave it. Otherwise it is left alone.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, FloatArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import INSTANCE_CPU_USAGE, INSTANCE_RAM_USAGE, MetricNeed
from domain.optimization.algorithms.balancing import balance, indicators
from domain.optimization.algorithms.loads import (
    Sums,
    capacity,
    rested,
    server_use,
    unknown_use,
    unmoved_servers,
)
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.offloading import NOTHING_MEASURED
from domain.optimization.algorithms.spread import ROUNDING, EachBelow, HostLoad
from domain.optimization.algorithms.staying import LoadedHosts
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import COOLDOWN, GRANULARITY, MAX_MIGRATIONS, PERIOD
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy

NONE_OVER_THRESHOLD = Reason(
    "none-over-threshold",
    "none of the {hosts} hosts of known load is over the threshold of {threshold} % of {metric}; "
    "the most loaded, {host}, is at {load} %",
    hosts="number",
    threshold="%",
    load="%",
)
NOT_OVER_FOR_LONG = Reason(
    "not-over-for-long",
    "{host} is at {load} % of {metric}, but was not over the threshold of {threshold} % for {hold} "
    "s",
    load="%",
    threshold="%",
    hold="s",
)
STAYS_OVER_THRESHOLD = Reason(
    "stays-over-threshold",
    "{host} stays at {load} % of {metric}, over the threshold of {threshold} %: {why}",
    load="%",
    threshold="%",
)
LIMIT_OF_MIGRATIONS = Reason(
    "limit-of-migrations",
    "the plan ends after {count} migrations, the limit; {hosts} hosts are still over the threshold",
    count="number",
    hosts="number",
)


@dataclass(frozen=True)
class BalanceParameters:
    """The parameters of an audit.

    Attributes:
        metrics: the metric to balance.
        threshold: of a host's load, %; a host that reaches it is relieved.
        period, granularity: of the metric, s.
        max_migrations: the most migrations of a plan; 0: no limit.
        margin: how far below the threshold hosts come, and destinations stay, % points.
        hold: how long a host must have been over the threshold, s.
        cooldown: how long a server stays after a migration, s.
    """

    metrics: Literal["instance_cpu_usage", "instance_ram_usage"] = "instance_cpu_usage"
    threshold: float = 25.0
    period: float = 300
    granularity: float = 300
    max_migrations: int = 0
    margin: float = 0.0
    hold: float = 0.0
    cooldown: float = 0.0

    def need(self) -> MetricNeed:
        """What servers use now."""
        return MetricNeed(self.metrics, "server", "mean", self.period, self.granularity)

    def held(self) -> MetricNeed:
        """The least that servers used within ``hold``."""
        return MetricNeed(self.metrics, "server", "min", self.hold, self.granularity)


class WorkloadBalance(Strategy[BalanceParameters]):
    """Moves and swaps servers until no host is over the threshold."""

    name = "workload_balance"
    display_name = "Workload Balance Migration Strategy"
    goal = "workload_balancing"
    parameters = BalanceParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "metrics": {
                "description": "Metric of servers whose sum is the load of a host.",
                "type": "string",
                "enum": [INSTANCE_CPU_USAGE, INSTANCE_RAM_USAGE],
                "default": INSTANCE_CPU_USAGE,
            },
            "threshold": {
                "description": "Load at which servers leave a host, in per cent of its capacity.",
                "type": "number",
                "default": 25.0,
            },
            "period": {"description": PERIOD, "type": "number", "default": 300},
            "granularity": {"description": GRANULARITY, "type": "number", "default": 300},
            "max_migrations": MAX_MIGRATIONS,
            "margin": {
                "description": "Distance to the threshold that a plan keeps, in percentage points.",
                "type": "number",
                "minimum": 0,
                "default": 0.0,
            },
            "hold": {
                "description": "Time that a host must have been over it, in seconds; 0 for none.",
                "type": "number",
                "minimum": 0,
                "default": 0.0,
            },
            "cooldown": COOLDOWN,
        }
    }

    def requirements(self, parameters: BalanceParameters) -> Requirements:
        """The metric that is balanced, and the recent moves of servers that must rest."""
        held = (parameters.held(),) if parameters.hold else ()
        return Requirements(metrics=(parameters.need(), *held), recent_moves=parameters.cooldown)

    def solve(self, context: StrategyContext[BalanceParameters]) -> Solution:
        """The way to balance, and why each host that is still over the threshold is."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Balancing(context).solution()


class _Balancing:
    """One run."""

    def __init__(self, context: StrategyContext[BalanceParameters]) -> None:
        self._context = context
        self._given = context.parameters
        self._whole = capacity(context.compute, self._given.metrics)
        self._use = server_use(context, self._given.need())
        sums = Sums.of(context, self._use)
        serving = context.compute.up & context.compute.enabled
        over = serving & self._over(sums.amount)
        self._hot = over & self._held() if self._given.hold else over
        self._brief = over & ~self._hot
        hosts = serving & (sums.whole | over)
        metric = self._given.metrics
        self._load = HostLoad.single(metric, sums.amount, self._whole, self._use, hosts)

    def _over(self, amount: FloatArray) -> BoolArray:
        limit = self._given.threshold / 100.0 - ROUNDING
        over: BoolArray = (amount >= limit * self._whole) & (self._whole > 0)
        return over

    def _held(self) -> BoolArray:
        least = server_use(self._context, self._given.held())
        return self._over(Sums.of(self._context, least).amount)

    def solution(self) -> Solution:
        """Moves, indicators and remarks."""
        given, moves = self._given, Moves(self._context)
        target = EachBelow(self._hot, (given.threshold - given.margin) / 100.0 - ROUNDING)
        before = self._load.shares(self._load.amount)
        movable = moves.rules.movable & rested(self._context, given.cooldown)
        after = balance(moves, self._load, target, movable, max_moves=given.max_migrations)
        unmoved = unmoved_servers(self._context, given.cooldown)
        notes = self._explain(LoadedHosts(moves, after, target.ceiling, unmoved))
        unknown = unknown_use(given.metrics, self._use, "server")
        notes = (*notes, *unknown, *moves.rules.notes(moves.branch))
        return Solution(tuple(moves.actions), indicators(moves, before, after), notes)

    def _explain(self, hosts: LoadedHosts) -> tuple[Cause, ...]:
        """Records why hosts stay over the threshold; returns the remarks about them."""
        given, count = self._given, len(hosts.moves.actions)
        left = self._hot & self._over(hosts.shares.share[0] * self._whole)
        if given.max_migrations and count >= given.max_migrations:
            facts: JsonObject = {"count": count, "hosts": int(np.count_nonzero(left))}
            return (Cause(LIMIT_OF_MIGRATIONS, facts),) if left.any() else ()
        causes = hosts.reject(left, STAYS_OVER_THRESHOLD, threshold=given.threshold)
        for host in hosts.most_loaded(self._brief):
            facts = {**hosts.figures(host), "threshold": given.threshold, "hold": given.hold}
            causes.append(Cause(NOT_OVER_FOR_LONG, facts))
            self._context.alternatives.add(self._context.host(host), causes[-1])
        if count:
            return ()
        return tuple(causes[:1]) or self._nearest(hosts)

    def _nearest(self, hosts: LoadedHosts) -> tuple[Cause, ...]:
        places = np.flatnonzero(self._load.hosts)
        if not len(places):
            return (Cause(NOTHING_MEASURED, {"metric": self._load.metrics[0]}),)
        host = int(places[np.argmax(hosts.shares.share[0, places])])
        facts = {
            **hosts.figures(host),
            "threshold": self._given.threshold,
            "hosts": len(places),
        }
        return (Cause(NONE_OVER_THRESHOLD, facts),)
