"""Why loaded hosts keep their servers, in figures that can be checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from domain.cluster.table.columns import BoolArray, IntArray
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.algorithms.balancing import NEGLIGIBLE
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.refusals import SOFT_GROUP, why_servers_stay
from domain.optimization.algorithms.spread import Shares

REACHES_LIMIT = "that would reach the limit"
NO_GAIN = "where it would not lower the spread"
LEFT_OUT = "of unknown load"


@dataclass(frozen=True, eq=False)
class LoadedHosts:
    """The hosts after a search.

    Attributes:
        moves: made by the search.
        shares: after them.
        ceiling: the share that no destination may reach.
        unmoved: what is said of servers that could be migrated but are not → bool[servers].
    """

    moves: Moves
    shares: Shares
    ceiling: float
    unmoved: Mapping[str, BoolArray]

    def most_loaded(self, hosts: BoolArray) -> list[int]:
        """Indices of some hosts (bool[hosts]), those that add most to the spread first."""
        places = np.flatnonzero(hosts)
        order = np.argsort(-self.shares.pull()[places], kind="stable")
        found: list[int] = places[order].tolist()
        return found

    def figures(self, host: int) -> JsonObject:
        """``host``, and its ``load`` (%) of the ``metric`` that adds most to the spread."""
        load = self.shares.load
        row = int(np.argmax(self.shares.pulls()[:, host]))
        share = float(self.shares.share[row, host])
        return {
            "host": self.moves.model.hosts.name[host],
            "metric": load.metrics[row],
            "load": round(100.0 * share, 1),
        }

    def reject(self, hosts: BoolArray, reason: Reason, **facts: object) -> list[Cause]:
        """Records why no server leaves some hosts (bool[hosts]).

        Args:
            hosts: the hosts.
            reason: has the facts of ``figures``, ``why`` and:
            facts: further ones.
        """
        context, causes = self.moves.context, []
        for host in self.most_loaded(hosts):
            cause = None
            if not context.alternatives.is_full:
                cause = Cause(reason, {**self.figures(host), **facts, **self._why(host)})
                causes.append(cause)
            context.alternatives.add(context.host(host), cause)
        return causes

    def _why(self, host: int) -> JsonObject:
        """``why`` in words, and figures of the server that uses most of those that can be moved.

        The figures are ``server``, ``candidates`` (other hosts), ``refused`` (placement rule →
        hosts) and ``unwanted`` (what is said of hosts that no rule refuses → hosts).
        """
        load, moves = self.shares.load, self.moves
        kept = {
            **self.unmoved,
            "of unknown use": np.isnan(load.need).any(axis=0),
            "idle": (load.need == 0).all(axis=0),
        }
        return why_servers_stay(
            moves,
            host,
            kept,
            partial(self._largest, host),
            partial(self._unwanted, host),
            "uses most of it and ",
        )

    def _largest(self, host: int, servers: IntArray) -> int:
        load = self.shares.load
        used = load.weight[:, None] * load.need[:, servers] / load.capacity[:, [host]]
        return int(servers[np.argmax(used.sum(axis=0))])

    def _unwanted(self, host: int, server: int) -> Mapping[str, BoolArray]:
        load, moves = self.shares.load, self.moves
        need, inside = load.need[:, [server], None], np.flatnonzero(load.hosts)
        reaches, gains_nothing = np.zeros_like(load.hosts), np.zeros_like(load.hosts)
        received = self.shares.received(inside, need)[:, 0]
        reaches[inside] = (received >= self.ceiling).any(axis=0)
        after = self.shares.spread_after(host, inside, need)[0]
        gains_nothing[inside] = self.shares.spread - after <= NEGLIGIBLE
        legal = moves.rules.legal_hosts(moves.branch, server)
        return {
            LEFT_OUT: ~load.hosts,
            SOFT_GROUP: legal & ~moves.destinations(server),
            REACHES_LIMIT: reaches,
            NO_GAIN: gains_nothing,
        }
