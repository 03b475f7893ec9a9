"""Separates noisy neighbours: a server that displaces another one's cache lines leaves the host.

A server whose use of the L3 cache has fallen is a victim if that of a less important server on the
same host has risen at the same time: the neighbour. The rise and the fall are measured against the
period before. A server of unknown use is neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import INSTANCE_L3_CACHE_USAGE, MetricNeed
from domain.optimization.algorithms.loads import Sums, unknown_use
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.offloading import Offloading
from domain.optimization.algorithms.packing import ranks
from domain.optimization.context import StrategyContext
from domain.optimization.parameters import COOLDOWN, MAX_HOSTS
from domain.optimization.solution import Solution
from domain.optimization.strategy import Requirements, Strategy

SEPARATES_NEIGHBOUR = Reason(
    "separates-neighbour",
    "on {source} the cache use of {server} rose from {noisy_before} to {noisy_after} MiB while "
    "that of {victim} fell from {victim_before} to {victim_after} MiB; {server} goes to "
    "{destination}, whose servers use {cache} MiB",
    noisy_before="MiB",
    noisy_after="MiB",
    victim_before="MiB",
    victim_after="MiB",
    cache="MiB",
)
NEIGHBOUR_STAYS = Reason(
    "neighbour-stays",
    "on {host} the cache use of {noisy} rose from {noisy_before} to {noisy_after} MiB while that "
    "of {victim} fell from {victim_before} to {victim_after} MiB, but no such neighbour leaves: "
    "{why}",
    noisy_before="MiB",
    noisy_after="MiB",
    victim_before="MiB",
    victim_after="MiB",
)
NO_NOISY_NEIGHBOUR = Reason(
    "no-noisy-neighbour",
    "on none of the {hosts} hosts compared has the cache use of a server fallen by more than "
    "{threshold} % and that of a less important one risen by as much; the closest is {host}, where "
    "that of {victim} changed by {victim_change} % and that of {noisy} by {noisy_change} %",
    hosts="number",
    threshold="%",
    victim_change="%",
    noisy_change="%",
)
NOTHING_TO_COMPARE = Reason(
    "nothing-to-compare", "no host has two running servers of known cache use, now and before"
)

PRIORITY_KEY = "watcher-priority"
"""Metadata of a server: 1 is the most important."""
DEFAULT_PRIORITY = 5.0
GRANULARITY = 300.0
"""Width of a sample, in seconds."""


@dataclass(frozen=True)
class NeighbourParameters:
    """The parameters of an audit.

    Attributes:
        cache_threshold: by which the cache use of both servers must have changed, %.
        period: of the metric, s; it is compared with the same time before.
        max_hosts: the most hosts that a server leaves in one audit; 0: no limit.
        cooldown: how long a server stays after a migration, s.
    """

    cache_threshold: float = 35.0
    period: float = 100.0
    max_hosts: int = 1
    cooldown: float = 0.0

    def now(self) -> MetricNeed:
        """The mean of the period."""
        return MetricNeed(INSTANCE_L3_CACHE_USAGE, "server", "mean", self.period, GRANULARITY)

    def whole(self) -> MetricNeed:
        """The mean of the period and of that before."""
        return MetricNeed(INSTANCE_L3_CACHE_USAGE, "server", "mean", 2 * self.period, GRANULARITY)


class NoisyNeighbor(Strategy[NeighbourParameters]):
    """Moves the least important server that takes cache from a more important one."""

    name = "noisy_neighbor"
    display_name = "Noisy Neighbor"
    goal = "noisy_neighbor"
    parameters = NeighbourParameters
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {
            "cache_threshold": {
                "type": "number",
                "default": 35.0,
                "description": "Fall of the victim's and rise of the neighbour's cache use, in %.",
            },
            "period": {
                "type": "number",
                "default": 100.0,
                "description": "Length of the two periods that are compared, in seconds.",
            },
            "max_hosts": MAX_HOSTS,
            "cooldown": COOLDOWN,
        }
    }

    def requirements(self, parameters: NeighbourParameters) -> Requirements:
        """Two means of the cache use, and the recent moves of servers that must rest."""
        needs = (parameters.now(), parameters.whole())
        return Requirements(metrics=needs, recent_moves=parameters.cooldown)

    def solve(self, context: StrategyContext[NeighbourParameters]) -> Solution:
        """The moves, and why noisy neighbours stay where they are."""
        if not len(context.compute.hosts):
            return Solution((), notes=(Cause(MODEL_EMPTY),))
        return _Separation(context).solution()


@dataclass(frozen=True)
class _Pair:
    """A victim, and its noisy neighbours on the same host, least important first."""

    victim: int
    noisy: list[int]


class _Separation:
    """One run. The arrays are float64[servers], bytes or %; NaN for servers that do not count."""

    def __init__(self, context: StrategyContext[NeighbourParameters]) -> None:
        self._context = context
        self._given = context.parameters
        self._use, whole = context.metrics[self._given.now()], context.metrics[self._given.whole()]
        self._before = np.maximum(2 * whole - self._use, 0.0)
        self._change = _change(self._before, self._use)
        self._change[~_settled(context)] = np.nan
        self._rank = _ranks(context)
        self._residents = self._by_host()
        found = {host: self._pair(servers) for host, servers in self._residents.items()}
        pairs = [(pair, host) for host, pair in found.items() if pair is not None]
        pairs.sort(key=lambda one: self._rank[one[0].victim])
        self._pairs = {host: pair for pair, host in pairs}

    def _by_host(self) -> dict[int, IntArray]:
        """Host → its servers of known change, most important first, if there are two or more."""
        model = self._context.compute
        known = np.flatnonzero(~np.isnan(self._change) & model.up[model.servers.host])
        at = model.servers.host[known]
        order = np.lexsort((self._rank[known], at))
        hosts, starts = np.unique(at[order], return_index=True)
        parts = np.split(known[order], starts[1:])
        return {int(h): part for h, part in zip(hosts, parts, strict=False) if len(part) > 1}

    def _pair(self, servers: IntArray) -> _Pair | None:
        """The most important victim that has a less important noisy neighbour."""
        limit, change = self._given.cache_threshold, self._change[servers]
        victims, noisy = np.flatnonzero(change < -limit), np.flatnonzero(change > limit)
        if not len(victims) or not (noisy > victims[0]).any():
            return None
        less_important: list[int] = servers[noisy[noisy > victims[0]][::-1]].tolist()
        return _Pair(int(servers[victims[0]]), less_important)

    def solution(self) -> Solution:
        """Moves and remarks."""
        moves, pairs = Moves(self._context), self._pairs
        cache, whole = self._cache()
        noisy, marked = np.zeros(len(self._use), dtype=np.bool_), np.zeros_like(whole)
        noisy[[server for pair in pairs.values() for server in pair.noisy]] = True
        marked[list(pairs)] = True
        order = np.lexsort((cache, ~whole))
        off = Offloading(
            moves,
            order[~marked[order]],
            {"with a noisy neighbour of their own": marked},
            self._given.cooldown,
            {"not noisy": ~noisy},
        )

        def facts(server: int, destination: int) -> JsonObject:
            pair = pairs[int(self._context.compute.servers.host[server])]
            return {**self._figures(pair, server), "cache": _mib(cache[destination])}

        def separate(host: int) -> bool:
            leaving = [server for server in pairs[host].noisy if off.free[server]]
            return off.one(leaving, SEPARATES_NEIGHBOUR, facts)

        def figures(host: int) -> JsonObject:
            name = self._context.compute.hosts.name[host]
            return {"host": name, **self._figures(pairs[host], pairs[host].noisy[0])}

        stuck = off.run(list(pairs), separate, self._given.max_hosts)
        causes = off.reject(
            stuck, NEIGHBOUR_STAYS, figures, lambda servers: max(servers, key=self._rank.item)
        )
        notes = (*([] if moves.actions else causes[:1]), *off.notes)
        if not pairs:
            notes = (self._closest(),)
        unknown = unknown_use(INSTANCE_L3_CACHE_USAGE, self._use, "server")
        return Solution(
            tuple(moves.actions), notes=(*notes, *unknown, *moves.rules.notes(moves.branch))
        )

    def _cache(self) -> tuple[FloatArray, BoolArray]:
        """Known cache use of each host's servers, and whether that of all of them is known."""
        sums = Sums.of(self._context, self._use)
        return sums.amount, sums.whole

    def _figures(self, pair: _Pair, noisy: int) -> JsonObject:
        return {
            "noisy": self._name(noisy),
            "noisy_before": _mib(self._before[noisy]),
            "noisy_after": _mib(self._use[noisy]),
            "victim": self._name(pair.victim),
            "victim_before": _mib(self._before[pair.victim]),
            "victim_after": _mib(self._use[pair.victim]),
        }

    def _name(self, server: int) -> str:
        subject = self._context.server(server)
        return subject.name or subject.id

    def _closest(self) -> Cause:
        """The victim and the neighbour of which the smaller change is the largest."""
        best, found = -np.inf, None
        for host, servers in self._residents.items():
            change = self._change[servers]
            rise = np.maximum.accumulate(change[:0:-1])[::-1]  # the largest of the later servers
            least = np.minimum(-change[:-1], rise)
            place = int(np.argmax(least))
            if least[place] > best:
                noisy = place + 1 + int(np.argmax(change[place + 1 :]))
                best, found = float(least[place]), (host, int(servers[place]), int(servers[noisy]))
        if found is None:
            return Cause(NOTHING_TO_COMPARE)
        host, victim, neighbour = found
        facts: JsonObject = {
            "hosts": len(self._residents),
            "threshold": self._given.cache_threshold,
            "host": self._context.compute.hosts.name[host],
            "victim": self._name(victim),
            "victim_change": _percent(self._change[victim]),
            "noisy": self._name(neighbour),
            "noisy_change": _percent(self._change[neighbour]),
        }
        return Cause(NO_NOISY_NEIGHBOUR, facts)


def _change(before: FloatArray, after: FloatArray) -> FloatArray:
    """float64[servers]: by how much the use changed, % of that before."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change: FloatArray = (after / before - 1.0) * 100.0
    change[(before == 0) & (after == 0)] = 0.0
    return change


def _settled(context: StrategyContext[NeighbourParameters]) -> BoolArray:
    """bool[servers]: running, and not in flight."""
    active = context.compute.servers.state.where(lambda state: state == "active")
    settled: BoolArray = active & ~context.in_flight()
    return settled


def _ranks(context: StrategyContext[NeighbourParameters]) -> IntArray:
    """int64[servers]: place in the order of importance, ties by index."""
    metadata = context.compute.servers.metadata
    priorities = np.array([_priority(one) for one in metadata.table] or [0.0])
    return ranks(priorities[metadata.codes])


def _priority(metadata: Mapping[str, str]) -> float:
    try:
        priority = float(metadata.get(PRIORITY_KEY, DEFAULT_PRIORITY))
    except ValueError:
        return DEFAULT_PRIORITY
    return priority if np.isfinite(priority) else DEFAULT_PRIORITY


def _mib(amount: float) -> float:
    return round(float(amount) / 2**20, 1)


def _percent(change: float) -> float:
    return round(min(float(change), 1000.0), 1)
